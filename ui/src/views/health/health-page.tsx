import '../../styles/table.css';
import '../../styles/health.css';
import type { PageProps } from '../shell/lazy';
import { useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { InstanceTable } from './instance-table';
import { LagTable } from './lag-table';
import { LetterTable } from './letter-table';
import { StoredThrough } from './stored-through';

/** Whether the stack itself is well: how far records are stored, what could not be, and what is lost. */
export function HealthPage({ params }: PageProps) {
  const text = useText().health;
  useTitle(text.title);
  return (
    <>
      <h1 class="page-title">{text.title}</h1>
      <StoredThrough />
      <LagTable />
      <LetterTable letter={params['letter'] ?? ''} />
      <InstanceTable />
    </>
  );
}
