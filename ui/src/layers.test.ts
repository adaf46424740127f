import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = import.meta.dirname;

// Who may import whom. lib is pure and imports nothing of ours.
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: ['lib'],
  api: ['api', 'lib'],
  state: ['state', 'api', 'lib'],
  views: ['views', 'state', 'api', 'lib'],
};

describe('layers', () => {
  for (const [layer, may] of Object.entries(allowed)) {
    const files = readdirSync(join(src, layer)).filter((name) => /\.tsx?$/.test(name) && !name.includes('.test.'));
    for (const name of files) {
      const source = readFileSync(join(src, layer, name), 'utf8');
      it(`${layer}/${name} imports ${may.join(', ')}`, () => {
        const imports = [...source.matchAll(/from '(\.[^']*)'/g)].map((match) => relative(src, join(src, layer, dirname(match[1] ?? ''))));
        expect(imports.filter((folder) => !may.includes(folder))).toEqual([]);
      });
      it(`${layer}/${name} writes no markup from text`, () => {
        expect(source).not.toMatch(/dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
      });
    }
  }
});
