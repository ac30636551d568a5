/** What is needed once something is pending: loaded then, or before while there is nothing else to do. */
const load = async () => {
  const { takeTurn } = await import('./turn.ts');
  const { applyPending } = await import('./apply.ts');
  return { takeTurn, applyPending };
};

let loading: ReturnType<typeof load> | undefined;

export function loadTurn(): ReturnType<typeof load> {
  loading ??= load();
  return loading;
}
