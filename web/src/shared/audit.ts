// The days of a filter as the journal takes them: from the first instant of one day to the first of the day after another.
export function dayBounds(from: string, to: string): { from: number | null; to: number | null } {
  const start = dayOf(from);
  const last = dayOf(to);
  return { from: start?.getTime() ?? null, to: last ? new Date(last.getFullYear(), last.getMonth(), last.getDate() + 1).getTime() : null };
}
function dayOf(text: string): Date | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  return match ? new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : null;
}
