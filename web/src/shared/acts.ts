// Acts that need two people, as the pages show them: what a request holds, who may decide it, and what a refusal that carries
// a request means. The office decides; a button that it would refuse is not offered.
import { ApiError, type Session } from "./api";
import type { ActKind, Approval, Role } from "./office_api";

// The number of the request that waits, when this is why nothing was done.
export function waitingRequest(error: unknown): number | null {
  if (!(error instanceof ApiError) || error.code !== "needs_approval") return null;
  const id = error.details["approval_id"];
  return typeof id === "number" && id > 0 ? id : null;
}

// "prewatt-act 1\nprice.set\nprice_e4=7000\n": the fields by name.
export function fieldsOf(content: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of content.split("\n").slice(2)) {
    const at = line.indexOf("=");
    if (at > 0 && !fields.has(line.slice(0, at))) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  return fields;
}
export function numberIn(fields: Map<string, string>, name: string): number | null {
  const text = fields.get(name);
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

// The sum that the office wrote into the subject ("household 12: 300.00 yuan of sale 5"), in fen: what it was when it was
// asked for.
export function askedFen(subject: string): number | null {
  const match = /: (\d{1,12})\.(\d\d) yuan/.exec(subject);
  return match ? Number(match[1]! + match[2]!) : null;
}
// "household 12", "household 12: 300.00 yuan ...".
export function householdIn(approval: Pick<Approval, "subject" | "content">): number | null {
  const named = numberIn(fieldsOf(approval.content), "household");
  if (named !== null) return named === 0 ? null : named;  // 0: it is about none
  const match = /^household (\d{1,12})\b/.exec(approval.subject);
  return match ? Number(match[1]) : null;
}

export function mayApprove(role: Role, kind: ActKind): boolean {
  if (role === "owner") return true;
  if (role === "cashier") return kind === "refund";
  return role === "technician" && (kind === "clear" || kind === "mass_action" || kind === "rights_card");
}

// decide: approve or refuse; own: asked for it, may take it back; other: another one's, and no right; over: decided or expired.
export type Standing = "decide" | "own" | "other" | "over";
export function standingOf(approval: Approval, session: Session | null, now: number): Standing {
  if (approval.state !== "waiting" || now >= approval.expires_at) return "over";
  if (session?.user === approval.asked_by) return "own";
  return session && mayApprove(session.role, approval.kind) ? "decide" : "other";
}
