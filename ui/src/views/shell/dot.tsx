/** The dot between facts on one line. It stays with what is before it, and is not read out. */
export function Dot() {
  return <>{'\u00a0'}<i aria-hidden="true">·</i>{' '}</>;
}
