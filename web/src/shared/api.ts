// The office's REST interface as the pages use it; docs/formats/rest.md is the contract.
// An answer that never came is not a refusal: `ApiError.kind` tells them apart, for after a lost reply a sale may have happened.

export interface Session { user: string; name: string; role: "owner" | "cashier" | "technician" | "auditor" }
export interface Household {
  id: number; room: string; building: string; floor: number; resident: string | null;
  box_number: string | null; household_number: number; closed: boolean; epoch: number; state_bits: number | null; holds: string[];
  relay_closed: boolean | null; remaining_ckwh: number | null; forward_ckwh: number | null; power_dw: number | null;
  read_at: number | null; credited_ckwh: number; ticket_number: number; confirmed_ticket_number: number;
  alarms: { low_ckwh: number; cutoff_ckwh: number; overdraft_ckwh: number } | null; price_e4: number; pending: string[];
  answering: boolean; by_card?: boolean;
}
export const kSteps = ["accepted", "booked", "desired", "sent", "confirmed", "lit"] as const;
export type StepName = (typeof kSteps)[number];
export interface Sale {
  id: number; receipt: string; order_id: string; household_id: number; room: string; amount_fen: number; energy_ckwh: number;
  price_e4: number; given?: number; unit?: string; fee_fen?: number; corrected?: boolean; channel: string; operator: string; state: "pending" | "confirmed";
  steps: { step: StepName | "card"; at: number }[]; attempts: number; last_problem: string | null;
}
export interface Job {
  id: number; household_id: number; kind: string; state: "waiting" | "sent" | "confirmed" | "failed"; created_at: number;
  confirmed_at: number | null; attempts: number; last_problem: string | null; operator: string; reason: string;
}
export interface Box { id: number; number: string; line_id: number; wiring: string; households: number; answering: boolean; last_seen_at: number | null; values_at: number | null }
export interface CardReader {
  number: number; state: string; polls: number; answered: number; taps: number; booked: number; heard_at: number | null; tapped_at: number | null;
}
export interface Line {
  id: number; name: string; url: string; state: string; problem: string; sweep_ms: number; sweeps: number; frames_sent: number;
  frames_received: number; retries: number; bad_frames: number; silent_boxes: string[]; readers: CardReader[];
}
export interface Site {
  site: { id: number; name: string }; buildings: { id: number; name: string; rooms: { id: number; label: string; floor?: number; household_id: number | null }[] }[];
  lines: Line[]; boxes: Box[]; price: { price_e4: number };
}
export interface WallWindow {
  household: number; household_id: number | null; room: string | null; remaining_ckwh: number | null; forward_ckwh: number | null;
  state: number | null; holds: string[]; relay_closed: boolean | null; power_dw: number | null; read_at: number | null;
}
export interface Wall {
  box: { number: string; wiring: string; answering: boolean; last_seen_at: number | null; phases: boolean[]; clock_at: number | null };
  windows: WallWindow[];
}
export interface Reading { at: number; forward_ckwh: number; remaining_ckwh: number; state: number }
export interface Entry {
  number: number; at: number; sale_id: number | null; epoch: number; from: string; to: string; unit: "fen" | "ckwh" | "credit_fen"; amount: number;
  paid_total_fen: number; credited_total_ckwh: number;
}
export interface LiveValues {
  read_at: number; voltage_mv: number; frequency_mhz: number;
  circuits: { current_ma: number; active_dw: number; reactive_dvar: number; apparent_dva: number; power_factor_e3: number; relay_closed: boolean }[];
}

export class ApiError extends Error {
  constructor(
    // refused: the office answered with a reason. unknown: no answer, or one that says nothing; a write may have happened.
    readonly kind: "refused" | "unknown",
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

let signedOut: () => void = () => undefined;
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

export const kBase = "/api/v1";

interface Options { body?: unknown; orderId?: string; signal?: AbortSignal; timeoutMs?: number; quiet?: boolean }

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Prewatt"] = "1";
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.orderId) headers["Idempotency-Key"] = options.orderId;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs ?? 15000);
  const given = options.signal;
  const passOn = (): void => abort.abort();
  given?.addEventListener("abort", passOn);
  let response: Response;
  let text: string;
  try {
    response = await fetch(kBase + path, {
      method, headers, credentials: "same-origin", cache: "no-store", signal: abort.signal,
      body: options.body === undefined ? null : JSON.stringify(options.body),
    });
    text = await response.text();
  } catch {
    if (given?.aborted) throw new ApiError("unknown", 0, "cancelled", "cancelled");
    throw new ApiError("unknown", 0, "no_reply", "no reply");
  } finally {
    clearTimeout(timer);
    given?.removeEventListener("abort", passOn);
  }
  let json: unknown = null;
  try {
    json = text === "" ? null : JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (response.ok && json !== undefined) return json as T;
  const error = (json as { error?: { code?: string; message?: string; details?: Record<string, unknown> } } | null | undefined)?.error;
  if (!error?.code) throw new ApiError("unknown", response.status, "no_reply", `HTTP ${response.status}`);
  if (response.status === 401 && !options.quiet) signedOut();
  throw new ApiError("refused", response.status, error.code, error.message ?? error.code, error.details ?? {});
}

export const api = {
  signIn: (user: string, password: string) => call<Session>("POST", "/session", { body: { user, password }, quiet: true }),
  session: () => call<Session>("GET", "/session", { quiet: true }),
  signOut: () => call<unknown>("DELETE", "/session", { quiet: true }),
  site: () => call<Site>("GET", "/site"),
  search: (text: string, limit: number, signal?: AbortSignal) =>
    call<{ households: Household[] }>("GET", `/households?q=${encodeURIComponent(text)}&limit=${limit}`, signal ? { signal } : {}),
  household: (id: number) => call<Household>("GET", `/households/${id}`),
  sales: (id: number) => call<{ sales: Sale[] }>("GET", `/households/${id}/sales`),
  recentSales: (limit: number) => call<{ sales: Sale[] }>("GET", `/sales?limit=${limit}`),
  sale: (id: number) => call<Sale>("GET", `/sales/${id}`),
  entries: (id: number) => call<{ entries: Entry[] }>("GET", `/households/${id}/entries`),
  readings: (id: number, from: number, to: number, step: "raw" | "hour" | "day") =>
    call<{ readings: Reading[] }>("GET", `/households/${id}/readings?from=${from}&to=${to}&step=${step}`),
  live: (id: number, signal?: AbortSignal) => call<LiveValues>("GET", `/households/${id}/live`, signal ? { signal } : {}),
  sell: (body: { household_id: number; amount_fen: number; channel: string }, orderId: string) =>
    call<Sale>("POST", "/sales", { body, orderId }),
  relay: (id: number, action: "on" | "off", reason: string, orderId: string) =>
    call<Job>("POST", `/households/${id}/relay`, { body: { action, reason }, orderId }),
  force: (id: number, minutes: number, reason: string, orderId: string) =>
    call<Job>("POST", `/households/${id}/force`, { body: { minutes, reason }, orderId }),
  acknowledge: (id: number, reason: string, orderId: string) =>
    call<Job>("POST", `/households/${id}/acknowledge`, { body: { reason }, orderId }),
  alarms: (id: number, body: { low_ckwh: number; cutoff_ckwh: number; overdraft_ckwh: number; reason: string }, orderId: string) =>
    call<Job>("PUT", `/households/${id}/alarms`, { body, orderId }),
  jobs: (id: number) => call<{ jobs: Job[] }>("GET", `/households/${id}/jobs?limit=6`),
  job: (id: number) => call<Job>("GET", `/jobs/${id}`),
  wall: (number: string) => call<Wall>("GET", `/boxes/${number}/wall`),
  lines: () => call<{ lines: Line[] }>("GET", "/lines"),
};
