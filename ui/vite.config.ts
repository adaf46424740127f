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

/** The browser fetches the page and its fonts beside the script and the styles that ask for them. */
function preload(): Plugin {
  return {
    name: 'preload',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const page = Object.values(bundle).find((file) => file.type === 'chunk' && file.moduleIds.some((id) => id.endsWith('/src/page.tsx')));
        if (page?.type !== 'chunk') throw new Error('src/page.tsx is in no chunk of its own');
        const fonts = Object.keys(bundle).filter((name) => name.endsWith('.woff2'));
        return [
          { tag: 'link', attrs: { rel: 'modulepreload', href: `/${page.fileName}` }, injectTo: 'head' },
          ...fonts.map((name) => ({ tag: 'link', attrs: { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: true, href: `/${name}` }, injectTo: 'head' }) as const),
        ];
      },
    },
  };
}

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [licences(), preload()],
  build: {
    // The server's content security policy allows neither inline scripts nor data: fonts.
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    // What the page needs is one file, whoever else needs some of it too; what is asked ahead is another, which comes first.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'ahead', test: /src\/main\.ts$/, priority: 2 }, { name: 'page', test: /src\/page\.tsx$/, priority: 1 }] } },
    },
  },
  server: {
    proxy: { '/api': process.env['WAYBILL_SERVER'] ?? 'http://127.0.0.1:7600' },
  },
});
