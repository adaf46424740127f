// Writes src/api/schema.d.ts: the types of the server's answers, out of its OpenAPI document.
import { readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';

const document = JSON.parse(readFileSync(new URL('../query/api/openapi.json', import.meta.url), 'utf8').replaceAll('#/components/schemas/', '#/definitions/'));
const definitions = document.components.schemas;
const names = Object.keys(definitions);
const root = {
  title: 'Schemas',
  type: 'object',
  additionalProperties: false,
  definitions,
  properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/definitions/${name}` }])),
  required: names,
};
const types = await compile(root, 'Schemas', { additionalProperties: false, bannerComment: '', format: false, unreachableDefinitions: true });
writeFileSync(new URL('src/api/schema.d.ts', import.meta.url), types);
