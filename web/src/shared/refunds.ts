// What of a sale may be refunded at most, as the office decides it (docs/formats/ledger.md, Refunds), and who may ask. A
// preview: the office counts again.
import type { Sale } from "./api";
import type { Account, Booking, Role } from "./office_api";

export function mayMoney(role: Role | undefined, what: "pay" | "grant"): boolean {
  return role === "owner" || (what === "pay" && role === "cashier");
}

// floor(paid * taken / given) of what is taken in all, less what was refunded of it before, in fen.
export function refundLimit(sale: Pick<Sale, "id" | "amount_fen" | "fee_fen" | "given" | "energy_ckwh">, account: Pick<Account, "refundable">, bookings: Pick<Booking, "kind" | "refers" | "amount_fen" | "given" | "id">[]): number {
  const paid = sale.amount_fen - (sale.fee_fen ?? 0);
  const given = sale.given ?? sale.energy_ckwh;
  if (given <= 0) return 0;
  let taken = 0;
  let refunded = 0;
  const refunds = new Set<number>();
  for (const b of bookings)
    if (b.kind === "refund" && b.refers === sale.id) {
      refunds.add(b.id);
      taken -= b.given;
      refunded -= b.amount_fen;
    }
  for (const b of bookings)
    if (b.kind === "return" && b.refers !== null && refunds.has(b.refers)) {
      taken -= b.given;
      refunded -= b.amount_fen;
    }
  const most = Math.min(given - taken, account.refundable);
  return most <= 0 ? 0 : Math.max(0, Number((BigInt(paid) * BigInt(taken + most)) / BigInt(given)) - refunded);
}
