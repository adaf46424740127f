import { useMemo } from 'preact/hooks';
import type { Facets, Language } from '../../api/schema';
import type { QueryField } from '../../lib/query/suggest';
import { useAnswer, useShell } from '../shell/shell';

const MOST = 100;

/** What a query may name, as the server tells it, and the frequent values of what it can count. */
export function useQueryFields(): { readonly fields: readonly QueryField[]; readonly countValues: (field: string) => Promise<readonly string[]> } {
  const { session } = useShell();
  const { loading } = useAnswer<Language>('fields', (signal) => session.client.get('/fields', {}, signal));
  const fields = useMemo(() => (loading.phase === 'shown' ? loading.value.fields.map(readField) : []), [loading]);
  const countValues = async (field: string): Promise<readonly string[]> => {
    const answer = await session.client.get<Facets>('/records/facets', { field, limit: MOST }, new AbortController().signal);
    return answer.kind === 'found' ? answer.value.values.map(({ value }) => value) : [];
  };
  return { fields, countValues };
}

function readField({ name, field, about, values, facets }: Language['fields'][number]): QueryField {
  return { name, about, values, counted: facets ? field : '' };
}
