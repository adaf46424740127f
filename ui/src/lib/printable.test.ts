import { expect, it } from 'vitest';
import { printable } from './printable';

const shows = (name: string, text: string, want: string) => it(name, () => expect(printable(text)).toBe(want));

shows('leaves plain text', 'paid 12 €, 成功 🎮', 'paid 12 €, 成功 🎮');
shows('leaves text from right to left', 'שלום', 'שלום');
shows('keeps tabs and lines', 'a\tb\nc\r\nd', 'a\tb\nc\nd');
shows('shows terminal colours', '\x1b[31mred', String.raw`\x1b[31mred`);
shows('shows NUL, DEL and a lone carriage return', 'a\0b\x7fc\rd', String.raw`a\x00b\x7fc\x0dd`);
shows('shows the upper controls', 'a\x85b', String.raw`a\x85b`);
shows('shows what would turn the text around', 'a\u202ecba\u2069', String.raw`a\u202ecba\u2069`);
shows('shows marks that nobody sees', 'a\u200bb\u200ec\u061cd\u2060e\u2028f', String.raw`a\u200bb\u200ec\u061cd\u2060e\u2028f`);
shows('keeps the joiners of scripts and emoji', 'می\u200cخواهم 👩\u200d💻', 'می\u200cخواهم 👩\u200d💻');
