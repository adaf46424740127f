import { useId, useMemo, useState } from 'preact/hooks';
import { conditionOf, withCondition } from '../../lib/query/condition';
import { printable } from '../../lib/printable';
import { recordFields } from '../../lib/record-fields';
import type { RecordField } from '../../lib/record-fields';
import type { RawRecord } from '../../lib/record';
import type { Page, RouteParams } from '../../lib/route';
import { CopyButton } from '../shell/copy-button';
import { Link } from '../shell/link';
import { useText } from '../shell/shell';
import { LongText } from './long-text';

/** The page that conditions lead to, and what it shows now. */
export interface Refined {
  readonly page: Page;
  readonly params: RouteParams;
}

const FIRST = 60;
const elsewhere = new Set(['message', 'error.stack_trace', 'error.message']);

/** All fields of a record, each with what may be done with it. */
export function RecordFields({ record, refine }: { readonly record: RawRecord; readonly refine: Refined }) {
  const text = useText().record;
  const [all, setAll] = useState(false);
  const fields = useMemo(() => recordFields(record).filter(({ name }) => !elsewhere.has(name)), [record]);
  const hidden = all ? 0 : Math.max(0, fields.length - FIRST);
  return (
    <section class="record-fields" aria-label={text.fields}>
      <h3>{text.fields} <span class="aside">{text.fieldCount(fields.length)}</span></h3>
      <dl>{fields.slice(0, all ? undefined : FIRST).map((field) => <Field key={field.name} field={field} refine={refine} />)}</dl>
      {hidden > 0 && <button type="button" class="more" onClick={() => setAll(true)}>{text.moreFields(hidden)}</button>}
    </section>
  );
}

function Field({ field: { name, value }, refine }: { readonly field: RecordField; readonly refine: Refined }) {
  const text = useText().record;
  const id = useId();
  const shown = printable(name.slice(0, 200));
  return (
    <div class="record-field">
      <dt><bdi>{shown}</bdi></dt>
      <dd id={id}><LongText value={value} most={500} /></dd>
      <dd class="field-actions">
        <div role="group" aria-label={text.fieldActions(shown)}>
          <Conditions field={name} value={value} refine={refine} />
          <CopyButton value={value} shownIn={id} label={text.copyField(shown)} />
        </div>
      </dd>
    </div>
  );
}

/** Links to records that have a field's value, and to those that have not. */
function Conditions({ field, value, refine }: { readonly field: string; readonly value: string; readonly refine: Refined }) {
  const text = useText().record;
  const condition = conditionOf(field, value);
  if (condition === null) return null;
  const { page, params } = refine;
  const to = (without: boolean): RouteParams => ({ ...params, q: withCondition(params['q'] ?? '', condition, without), record: undefined });
  const said = printable(condition);
  return (
    <>
      <Link to={page} params={to(false)} class="copy" label={`${text.only}: ${said}`}>{text.only}</Link>
      <Link to={page} params={to(true)} class="copy" label={`${text.without}: ${said}`}>{text.without}</Link>
    </>
  );
}
