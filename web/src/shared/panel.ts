// The order of the windows on the front of a box, and what its display shows when.

export interface PanelShape { columns: number; circuits: number }

// 39 x 1: three rows of thirteen; 18 x 2: three rows of six; 12 x 3: two rows of six.
export function panelShape(wiring: string, households: number): PanelShape {
  const circuits = Number(/x([123])$/.exec(wiring)?.[1] ?? 1);
  return { circuits, columns: households > 18 ? 13 : 6 };
}

// Where an arrow key leads from a window; null: stays.
export function neighbour(index: number, count: number, columns: number, key: string): number | null {
  const next =
    key === "ArrowRight" ? index + 1 : key === "ArrowLeft" ? index - 1 : key === "ArrowDown" ? index + columns : key === "ArrowUp" ? index - columns
    : key === "Home" ? 0 : key === "End" ? count - 1 : -1;
  return next >= 0 && next < count ? next : null;
}

// The display stays four seconds on each household, then shows the number of the box: its first four digits above, the
// other six below.
export const kDisplayStepMs = 4000;
export function displayStep(elapsedMs: number, households: number): number {
  return Math.floor(elapsedMs / kDisplayStepMs) % (households + 1);
}
