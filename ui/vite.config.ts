import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

// What the page ships of others' work. Each licence asks that its text goes along.
const shipped = [
  'preact',
  '@preact/signals',
  '@preact/signals-core',
  '@tanstack/virtual-core',
  'uplot',
  '@dagrejs/dagre',
  'eventsource-parser',
  '@fontsource-variable/instrument-sans',
  '@fontsource-variable/geist-mono',
];

function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle() {
      const source = shipped
        .map((name) => `${name}\n\n${readFileSync(new URL(`node_modules/${name}/LICENSE`, import.meta.url), 'utf8').trim()}\n`)
        .join(`\n${'='.repeat(80)}\n\n`);
      this.emitFile({ type: 'asset', name: 'licences.txt', source });
    },
  };
}

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [licences()],
  build: {
    // The server's content security policy allows neither inline scripts nor data: fonts.
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
  server: {
    proxy: { '/api': process.env['WAYBILL_SERVER'] ?? 'http://127.0.0.1:7600' },
  },
});
