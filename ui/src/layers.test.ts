import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = import.meta.dirname;

// Who may import whom. lib is pure and imports nothing of ours; a page's views know the shell and what pages share, not another page's.
const shared = ['views/shell', 'views/record', 'views/query', 'state', 'api', 'lib'];
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: ['lib'],
  api: ['api', 'lib'],
  state: ['state', 'api', 'lib'],
  'views/shell': ['views', 'state', 'api', 'lib'],
  'views/record': shared,
  'views/query': ['views/query', 'views/shell', 'state', 'api', 'lib'],
  'views/journey': ['views/journey', ...shared],
  'views/search': ['views/search', ...shared],
  'views/tail': ['views/tail', ...shared],
  'views/map': ['views/map', ...shared],
  'views/health': ['views/health', ...shared],
  'views/alerts': ['views/alerts', ...shared],
};

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes('.test.') && name.includes('/'));

describe('layers', () => {
  for (const name of files) {
    const layer = Object.keys(allowed).find((layer) => name.startsWith(`${layer}/`)) ?? '';
    const may = allowed[layer] ?? [];
    const source = readFileSync(join(src, name), 'utf8');

    it(`${name} imports ${may.join(', ')}`, () => {
      const imports = [...source.matchAll(/(?:from |import\()'(\.[^']*)'/g)].map((match) => relative(src, join(src, dirname(name), match[1] ?? '')));
      expect(imports.filter((path) => !may.some((folder) => path.startsWith(`${folder}/`)))).toEqual([]);
    });

    it(`${name} writes no markup from text`, () => {
      expect(source).not.toMatch(/dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
    });
  }
});
