// The part of the office's REST interface that is about people and money beside the plain sale: approvals, campaigns, work,
// questions about tickets, the journal, accounts. docs/formats/rest.md is the contract.
import { type Session, call } from "./api";

export type Role = Session["role"];
export const kRoles = ["owner", "cashier", "technician", "auditor"] as const satisfies readonly Role[];
export const kActKinds = ["price", "refund", "correction", "clear", "mass_action", "restored_reset", "rules", "rights_card"] as const;
export type ActKind = (typeof kActKinds)[number];
export type ApprovalState = "waiting" | "done" | "refused" | "failed" | "expired";
export interface Approval {
  id: number; kind: ActKind; action: string; subject: string; content: string; content_hash: string; asked_by: string; asked_from: string;
  reason: string; asked_at: number; expires_at: number; state: ApprovalState; decided_by: string; decided_at: number | null; outcome: string;
}
export interface ApprovalRules { two_people: "auto" | "always" | "never"; refund_max_fen: number; households_max: number; valid_min: number }

export interface Cause { text: string; members: number }
export type CampaignState = "scheduled" | "running" | "paused" | "done" | "cancelled";
export interface Campaign {
  id: number; order_id: string; selection: string; wish: string; state: CampaignState; parent_id: number | null; start_at: number; daily: boolean;
  from_minute: number; to_minute: number; created_at: number; started_at: number | null; ended_at: number | null; operator: string;
  approved_by: string; problem?: string; reason: string; all_reached: boolean; members: number; confirmed: number; already: number; waiting: number;
  failed: number; cannot: number; causes: Cause[];
}
export interface PreviewLine { member: number; room: string; from: string; to: string; cannot: string }
export interface CampaignPreview {
  members: number; already: number; cannot: number; households: number; needs_two: boolean; changes: Cause[]; causes: Cause[]; lines: PreviewLine[];
}
export interface Group { id: number; name: string; members: number }

export interface WorkItem {
  id: number; kind: string; state: "open" | "explained" | "closed"; household_id: number | null; room: string; box_id: number | null; subject: string;
  size: number; figures: string; explanation: string; proposals: string[]; first_at: number; last_at: number; times_seen: number;
  assigned_to: string; resolved_at: number | null; resolved_by: string; resolution: string; closed_at: number | null;
  comments: { at: number; user: string; text: string }[];
}
export interface TicketQuestion {
  household_id: number; situation: string; asked_at: number; unit: "ckwh" | "fen";
  meter: { epoch: number; ticket_number: number; credited: number | null; remaining: number };
  office: { epoch: number; ticket_number: number; credited: number; used_known: number; known_at: number | null };
  figures: string; explanation: string; take_meters: string; take_offices: string;
}
export type TicketAnswer = "take_meters" | "take_offices";

export interface AuditRecord {
  number: number; at: number; user: string; from: string; action: string; subject: string; before: string; after: string; reason: string; chain: string;
}
export interface AuditVerdict { whole: boolean; fault: string; number: number; records: number; head: { number: number; chain: string }; explanation: string }
export interface AuditFilter { user?: string; action?: string; subject?: string; from?: number | null; to?: number | null; before?: number; limit?: number }

export interface Account {
  household_id: number; open: boolean; unit: "ckwh" | "fen"; price_group: number; epoch: number; ticket_number: number; credited: number; used_known: number;
  remaining: number; free_left: number; refundable: number; confirmed: boolean; paid_fen: number; worth_fen: number; month_ckwh: number; year_ckwh: number;
  payers: { payer_id: number | null; name: string; channel: string; paid_fen: number; fair_part_fen: number }[];
}
export interface Booking {
  id: number; receipt: string; kind: string; household_id: number; amount_fen: number; fee_fen: number; unit: "ckwh" | "fen"; given: number; given_free: number;
  price_e4: number; channel: string; corrects: number | null; refers: number | null; operator: string; reason: string; booked_at: number; epoch: number;
  ticket_number: number; credited: number; paid_total_fen: number;
}
export interface Due {
  booking_id: number; part: number; household_id: number; payer_id: number | null; channel: string; ordered_fen: number; to_pay_fen: number;
  confirmed: boolean; paid: boolean;
}
export interface Drawer { id: number; name: string; open: boolean; operator: string; expected_fen: number }
export interface Booked { bookings: Booking[] }
export interface CampaignMember { member: number; room: string; state: "confirmed" | "already" | "waiting" | "failed" | "cannot"; problem: string; tries: number; job_id: number | null }
export interface AccountSide { open: boolean; ticket_number: number; credited: number; remaining: number; free_left: number; paid_fen: number }
export interface MoneyPreview {
  bookings: { kind: string; household_id: number; amount_fen: number; fee_fen: number; unit: "ckwh" | "fen"; given: number }[];
  pays: { payer_id: number | null; channel: string; amount_fen: number }[];
  accounts: { household_id: number; unit: "ckwh" | "fen"; before: AccountSide; after: AccountSide }[]; needs_two: boolean;
}
export interface Movement { id: number; kind: string; from: string; to: string; amount_fen: number; counted_fen: number; operator: string; reason: string; at: number }
export interface Moved { movements: Movement[] }
export interface Plan { id: number; name: string; group: number; valid_from_at: number; content: string; operator: string; created_at: number }
export interface PlanGives { amount_fen: number; content: string; unit: "ckwh" | "fen"; fee_fen: number; given: number; cost_fen: number; lines: { ckwh: number; price_e4: number }[] }
export interface QuotaRule { group: number; per: "room" | "resident"; quota_ckwh: number; quota_fen: number }
export interface Resident { id: number; household_id: number; name: string; phone: string; from_at: number; to_at: number | null }
export interface User { id: number; user: string; name: string; role: Role; disabled: boolean }
export const kArchiveSettings = ["raw_days", "hour_days", "day_days", "close_day", "close_hour", "short_bytes", "floor_bytes"] as const;
export type ArchiveSettings = Record<(typeof kArchiveSettings)[number], number>;

export function query(values: Record<string, string | number | null | undefined>): string {
  const parts = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return parts.length === 0 ? "" : `?${parts.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}`;
}

export const office = {
  approvals: (state?: ApprovalState, limit = 100) => call<{ approvals: Approval[] }>("GET", `/approvals${query({ state, limit })}`),
  approval: (id: number) => call<Approval>("GET", `/approvals/${id}`),
  approve: (id: number) => call<Approval>("POST", `/approvals/${id}/approve`, { body: {} }),
  refuse: (id: number, reason: string) => call<Approval>("POST", `/approvals/${id}/refuse`, { body: { reason } }),
  rules: () => call<ApprovalRules>("GET", "/approval_rules"),
  setRules: (body: ApprovalRules & { reason: string }) => call<ApprovalRules>("PUT", "/approval_rules", { body }),
  setPrice: (price_e4: number, reason: string) => call<{ price_e4: number }>("PUT", "/price", { body: { price_e4, reason } }),

  preview: (selection: string, wish: string) => call<CampaignPreview>("POST", "/campaigns/preview", { body: { selection, wish } }),
  start: (body: { selection: string; wish: string; reason: string; start_at?: string; repeat?: string; window?: string }, orderId: string) =>
    call<Campaign>("POST", "/campaigns", { body, orderId }),
  campaigns: (limit = 30) => call<{ campaigns: Campaign[] }>("GET", `/campaigns?limit=${limit}`),
  campaign: (id: number) => call<Campaign>("GET", `/campaigns/${id}`),
  members: (id: number, state: string, after = 0) => call<{ members: CampaignMember[] }>("GET", `/campaigns/${id}/members${query({ state, after: after || null, limit: 1000 })}`),
  command: (id: number, what: "pause" | "resume" | "cancel" | "retry") => call<Campaign>("POST", `/campaigns/${id}/${what}`, { body: {} }),
  groups: () => call<{ groups: Group[] }>("GET", "/groups"),

  work: (filter: { state?: string; kind?: string }) => call<{ items: WorkItem[] }>("GET", `/work${query({ ...filter, limit: 500 })}`),
  workItem: (id: number) => call<WorkItem>("GET", `/work/${id}`),
  assign: (id: number, user: string) => call<WorkItem>("PUT", `/work/${id}/assigned_to`, { body: { user } }),
  comment: (id: number, text: string) => call<WorkItem>("POST", `/work/${id}/comments`, { body: { text } }),
  resolve: (id: number, text: string) => call<WorkItem>("POST", `/work/${id}/resolution`, { body: { text } }),
  reconcile: () => call<{ households: number; statement_lines: number; building_days: number; open_items: number }>("POST", "/reconcile", { body: {}, timeoutMs: 120000 }),
  questions: () => call<{ questions: TicketQuestion[] }>("GET", "/ticket-questions"),
  answer: (id: number, body: { answer: TicketAnswer; contains_ticket?: number; reason: string }, orderId: string) =>
    call<Booked>("POST", `/households/${id}/ticket-answer`, { body, orderId }),

  audit: (filter: AuditFilter) => call<{ records: AuditRecord[] }>("GET", `/audit${query({ ...filter })}`),
  users: () => call<{ users: User[] }>("GET", "/users"),
  addUser: (user: { user: string; name: string; role: Role; password: string }) => call<User>("POST", "/users", { body: user }),
  changeUser: (id: number, change: { name: string; role: Role; disabled: boolean; reason: string }) => call<User>("PUT", `/users/${id}`, { body: change }),
  setPassword: (id: number, password: string) => call<void>("PUT", `/users/${id}/password`, { body: { password } }),
  auditHead: () => call<{ number: number; chain: string }>("GET", "/audit/head"),
  verify: (expect?: string) => call<AuditVerdict>("GET", `/audit/verify${query({ expect })}`, { timeoutMs: 120000 }),

  account: (id: number) => call<Account>("GET", `/households/${id}/account`),
  bookings: (id: number, limit = 50) => call<{ bookings: Booking[] }>("GET", `/households/${id}/bookings?limit=${limit}`),
  dues: () => call<{ dues: Due[] }>("GET", "/dues"),
  drawers: () => call<{ drawers: Drawer[] }>("GET", "/drawers"),
  previewRefund: (body: { sale_id: number; amount_fen: number }) => call<MoneyPreview>("POST", "/refunds/preview", { body }),
  previewCorrection: (body: { sale_id: number; right_household_id: number; right_amount_fen: number }) => call<MoneyPreview>("POST", "/corrections/preview", { body }),
  previewSettlement: (id: number) => call<MoneyPreview>("POST", `/households/${id}/settlement/preview`, { body: {} }),
  refund: (body: { sale_id: number; amount_fen: number; reason: string }, orderId: string) => call<Booked>("POST", "/refunds", { body, orderId }),
  correct: (body: { sale_id: number; right_household_id: number; right_amount_fen: number; reason: string }, orderId: string) =>
    call<Booked>("POST", "/corrections", { body, orderId }),
  settle: (id: number, reason: string, orderId: string) => call<Booked>("POST", `/households/${id}/settlement`, { body: { reason }, orderId }),
  grant: (id: number, given: number, reason: string, orderId: string) => call<Booked>("POST", `/households/${id}/grants`, { body: { given, reason }, orderId }),
  payOut: (booking: number, body: { part: number; drawer_id: number; reason: string }, orderId: string) =>
    call<Booked>("POST", `/bookings/${booking}/payout`, { body, orderId }),
  clear: (id: number, reason: string, orderId: string) => call<{ id: number }>("POST", `/households/${id}/clear`, { body: { reason }, orderId }),

  addDrawer: (name: string) => call<Drawer>("POST", "/drawers", { body: { name } }),
  drawer: (id: number, what: "open" | "count" | "empty", counted_fen: number, reason: string, orderId: string) =>
    call<Moved>("POST", `/drawers/${id}/${what}`, { body: { counted_fen, reason }, orderId }),
  movements: (id: number) => call<{ movements: Movement[] }>("GET", `/drawers/${id}/movements?limit=30`),

  plans: () => call<{ plans: Plan[] }>("GET", "/price-plans"),
  planGives: (content: string, amount_fen: number) => call<PlanGives>("POST", "/price-plans/preview", { body: { content, amount_fen } }),
  addPlan: (body: { name: string; group: number; valid_from_at: number; content: string; reason: string }, orderId: string) => call<Plan>("POST", "/price-plans", { body, orderId }),
  quotaRules: () => call<{ rules: QuotaRule[] }>("GET", "/quota-rules"),
  setPriceGroup: (id: number, group: number, reason: string) => call<{ group: number }>("PUT", `/households/${id}/price-group`, { body: { group, reason } }),
  setQuota: (body: QuotaRule & { reason: string }) => call<{ group: number }>("PUT", "/quota-rules", { body }),
  runQuotas: () => call<{ granted: number; had_it: number; without: number; refused: number }>("POST", "/quotas", { body: {}, timeoutMs: 120000 }),

  residents: (id: number) => call<{ residents: Resident[] }>("GET", `/households/${id}/residents`),
  checkIn: (id: number, body: { name: string; phone: string }, orderId: string) => call<Resident>("POST", `/households/${id}/residents`, { body, orderId }),
  endStay: (id: number) => call<Resident>("DELETE", `/residents/${id}`),
  openAccount: (id: number, reason: string, orderId: string) => call<Booked>("POST", `/households/${id}/opening`, { body: { reason }, orderId }),
  move: (id: number, to_household_id: number, reason: string, orderId: string) => call<Booked>("POST", `/households/${id}/move`, { body: { to_household_id, reason }, orderId }),
  changeBox: (id: number, body: { box_number: string; household_number: number; reason: string }, orderId: string) => call<Booked>("POST", `/households/${id}/box`, { body, orderId }),

  archiveSettings: () => call<ArchiveSettings>("GET", "/archive/settings"),
  setArchiveSettings: (body: ArchiveSettings & { reason: string }) => call<ArchiveSettings>("PUT", "/archive/settings", { body }),
};
