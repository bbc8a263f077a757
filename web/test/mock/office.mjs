// The stand-in's approvals, orders to many, work, questions, journal and accounts: one of each kind and state, so that pages can
// be looked at that a healthy office does not show. Decisions are remembered, nothing is carried out.
const minute = 60000;
const day = 24 * 60 * minute;

export function officeRoutes(households) {
  const at = Date.now();
  const h = households[0];
  const act = (action, fields) => `prewatt-act 1\n${action}\n${Object.entries(fields).map(([name, value]) => `${name}=${value}\n`).join("")}`;
  const ask = (id, kind, action, subject, fields, more = {}) => ({
    id, kind, action, subject, content: act(action, fields), content_hash: "5f0c".repeat(16), asked_by: "lan", asked_from: "10.20.0.14", reason: "住户提前退宿，已核对身份",
    asked_at: at - id * 7 * minute, expires_at: at + 3 * day - id * 7 * minute, state: "waiting", decided_by: "", decided_at: null, outcome: "", ...more,
  });
  const approvals = [
    ask(1, "refund", "sale.refund", `household ${h.id}: 300.00 yuan of sale 1`, { order_id: "a", sale: 1, amount_fen: "all" }),
    ask(2, "refund", "household.settle", `household ${h.id}: 412.07 yuan at check-out`, { order_id: "b", household: h.id, ticket: "1/3" }),
    ask(3, "correction", "sale.correct", `household ${h.id}: 500.00 yuan of sale 1 taken back`, { order_id: "c", sale: 1, right_household: households[1].id, right_amount_fen: 5000 }),
    ask(4, "price", "price.set", "site", { price_e4: 7050 }),
    ask(5, "clear", "household.clear", `household ${h.id}`, { order_id: "d", household: h.id }),
    ask(6, "mass_action", "campaign.start", "78 households (building 1): remote_off", { order_id: "e", selection: "building 1", wish: "remote_off", start_at: 0, repeat: "daily", window_from: 1380, window_to: 300, households: 78 }),
    ask(7, "restored_reset", "ticket.answer", `household ${h.id}`, { order_id: "f", household: h.id, answer: "take_meters", named: "3", contains: 3 }),
    ask(8, "rules", "approvals.set_rules", "site", { two_people: "always", refund_max_fen: 50000, households_max: 20, valid_min: 2880 }),
    ask(9, "refund", "sale.refund", `household ${h.id}: 20.00 yuan of sale 1`, { order_id: "g", sale: 1, amount_fen: 2000 }, { state: "refused", decided_by: "mei", decided_at: at - minute, outcome: "金额与票据不符，请重新申请" }),
    ask(10, "price", "price.set", "site", { price_e4: 6900 }, { state: "expired" }),
    ask(11, "mass_action", "campaign.start", "60 households (list): clock", { order_id: "h", selection: "group 9", wish: "clock", start_at: 0, repeat: "once", window_from: 0, window_to: 0, households: 60 }, { asked_by: "owner" }),
    ask(12, "price", "price.add_plan", "price group 7", { order_id: "i", name: "冬季阶梯", group: 7, valid_from: at + 2 * day, plan: "stepped energy month 5000:6400,0:9000 fee 100 5" }),
    ask(13, "price", "household.price_group", `household ${h.id}`, { household: h.id, group: 7 }),
  ];
  const campaign = (id, state, wish, counts, more = {}) => ({
    id, order_id: `c${id}`, selection: "building 1", wish, state, parent_id: null, start_at: at - 20 * minute, daily: false, from_minute: 0, to_minute: 0, created_at: at - 20 * minute, started_at: at - 20 * minute,
    ended_at: null, operator: "owner", approved_by: "", reason: "学期开始", all_reached: true, members: 0, confirmed: 0, already: 0, waiting: 0, failed: 0, cannot: 0, causes: [], ...counts, ...more,
  });
  const campaigns = [
    campaign(4, "running", "alarms 1000 500 0", { members: 312, confirmed: 241, already: 12, waiting: 55, failed: 9, cannot: 7, causes: [{ text: "no answer from box 2026000003", members: 39 }, { text: "the meter refused: bad value", members: 9 }, { text: "it has no meter", members: 6 }, { text: "its account is closed", members: 1 }] }, { approved_by: "mei", all_reached: false }),
    campaign(3, "paused", "remote_off", { members: 78, confirmed: 40, waiting: 38 }, { from_minute: 1380, to_minute: 300, daily: true }),
    campaign(2, "done", "clock", { members: 4, confirmed: 3, failed: 1, causes: [{ text: "no answer from box 2026000003", members: 1 }] }, { ended_at: at - minute, selection: "all" }),
    campaign(1, "cancelled", "force 30", { members: 12, confirmed: 2 }, { ended_at: at - minute, selection: "group 9" }),
  ];
  const preview = (wish) => ({
    members: 78, already: 12, cannot: 3, households: 78, needs_two: true, changes: [{ text: `relay on -> ${wish === "remote_on" ? "relay on" : "relay off"}`, members: 63 }], causes: [{ text: "it has no meter", members: 2 }, { text: "its account is closed", members: 1 }],
    lines: households.slice(0, 66).map((x, n) => ({ member: x.id, room: x.room, from: "relay on", to: "relay off", cannot: n === 3 ? "it has no meter" : "" })),
  });
  const item = (id, kind, state, figures, more = {}) => ({
    id, kind, state, household_id: h.id, room: h.room, box_id: null, subject: "", size: 100, figures, explanation: "The meter holds more credit than the ledger has given less what was used. Probable causes, in this order: the meter has lost its memory and counts its use anew; a ticket of another office; a booking was taken out of the database.",
    proposals: ["Read the meter's account in full and compare its ticket.", "A correction or a new epoch, by two people; nothing is changed by itself."], first_at: at - 3 * day, last_at: at - 40 * minute, times_seen: 3, assigned_to: "", resolved_at: null, resolved_by: "", resolution: "", closed_at: null, comments: [], ...more,
  });
  const items = [
    item(5, "ledger_remaining_too_high", "open", "credited 781.25 kWh, known to be used 12.40 kWh, and the meter shows 900.00 kWh remaining: 131.15 kWh too much", { comments: [{ at: at - minute, user: "mei", text: "明天去现场看" }], assigned_to: "mei" }),
    item(4, "channel_missing_here", "open", "50.00 yuan, reference 4200002026112800001234567890, 2026-11-27 14:05", { household_id: null, room: "", subject: "wechat 4200002026112800001234567890" }),
    item(3, "head_unlike_rooms", "explained", "building East, 2026-11-26 00:00 to 2026-11-27 00:00: head meter 812.00 kWh, rooms between 760.10 kWh and 762.30 kWh; lost at least 49.70 kWh (6.12 %)", { household_id: null, room: "", subject: "building 1 from 2026-11-26 00:00", resolved_at: at - day, resolved_by: "mei", resolution: "走廊灯，未计量" }),
    item(2, "of_tomorrow", "open", "what nobody has words for yet"),
  ];
  const question = (household, situation, credited) => ({
    household_id: household.id, situation, asked_at: at - 2 * 60 * minute, unit: "ckwh", meter: { epoch: 1, ticket_number: 6, credited, remaining: 41250 }, office: { epoch: 1, ticket_number: 4, credited: 78125, used_known: 12040, known_at: at - 9 * day },
    figures: "", explanation: "The meter shows a ticket that this office has never issued. This is so after the database was restored from a backup that is older than the ticket. No ticket is sent to this household until it is decided; its light stays as it is.", take_meters: "", take_offices: "",
  });
  const questions = [question(h, "ahead", 103125), question(households[1], "other_total", null), question(households[2], "cleared", null)];
  const records = Array.from({ length: 60 }, (_, n) => ({
    number: 60 - n, at: at - n * 11 * minute, user: ["owner", "lan", "mei", ""][n % 4], from: n % 4 === 3 ? "" : "10.20.0.14", action: ["price.set", "sale.refund", "session.begin", "quota.run", "campaign.start"][n % 5],
    subject: ["site", "household 12", "user mei", "month 2026-11", "campaign 4"][n % 5], before: n % 5 === 0 ? "0.6400 yuan/kWh" : "", after: ["0.7050 yuan/kWh", "refund 2: -30000 fen, -46875 ckwh, ticket 1/2", "", "312 granted, 0 had it", "building 1: alarms 1000 500 0"][n % 5], reason: n % 5 === 1 ? "住户提前退宿，已核对身份" : "", chain: "ab".repeat(32),
  }));
  const account = (id) => ({
    household_id: id, open: true, unit: "ckwh", price_group: 0, epoch: 1, ticket_number: 3, credited: 78125, used_known: 12040, remaining: 66085, free_left: 1250, refundable: 64835, confirmed: false, paid_fen: 50000, worth_fen: 41207, month_ckwh: 78125, year_ckwh: 78125,
    payers: [{ payer_id: 1, name: "刘芳", channel: "wechat", paid_fen: 30000, fair_part_fen: 24725 }, { payer_id: 2, name: "王伟", channel: "cash", paid_fen: 20000, fair_part_fen: 16482 }],
  });
  const member = (x, n) => ({ member: x.id, room: x.room, state: n < 9 ? "failed" : "cannot", problem: n < 9 ? "the meter refused: bad value" : "it has no meter", tries: n < 9 ? 1 : 0, job_id: n < 9 ? 40 + n : null });
  const side = (open, remaining, paid_fen) => ({ open, ticket_number: open ? 3 : 4, credited: remaining + 12040, remaining, free_left: open ? 1250 : 0, paid_fen });
  const moneyPreview = (pays, accounts, needs_two) => [200, { bookings: [], pays, accounts: accounts.map(([household_id, before, after]) => ({ household_id, unit: "ckwh", before, after })), needs_two }];
  const notFound = [404, { error: { code: "not_found", message: "there is no such thing" } }];
  const one = (list, id) => { const found = list.find((x) => x.id === Number(id)); return found ? [200, found] : notFound; };
  const decided = (id, state, outcome) => { const found = approvals.find((x) => x.id === Number(id)); if (!found) return notFound; Object.assign(found, { state, decided_by: "owner", decided_at: Date.now(), outcome }); return [200, found]; };
  const waits = () => [409, { error: { code: "needs_approval", message: "waits", details: { approval_id: 4 } } }];
  return [
    ["GET", /^\/approvals$/, (_, __, q) => [200, { approvals: approvals.filter((a) => !q.get("state") || a.state === q.get("state")) }]],
    ["GET", /^\/approvals\/(\d+)$/, ([id]) => one(approvals, id)],
    ["POST", /^\/approvals\/(\d+)\/approve$/, ([id]) => decided(id, "done", "done")],
    ["POST", /^\/approvals\/(\d+)\/refuse$/, ([id], b) => decided(id, "refused", b.reason)],
    ["GET", /^\/approval_rules$/, () => [200, { two_people: "auto", refund_max_fen: 20000, households_max: 50, valid_min: 4320 }]],
    ["PUT", /^\/approval_rules$/, waits], ["PUT", /^\/price$/, waits],
    ["POST", /^\/campaigns\/preview$/, (_, b) => [200, preview(b.wish)]],
    ["POST", /^\/campaigns$/, waits],
    ["GET", /^\/campaigns$/, () => [200, { campaigns }]],
    ["GET", /^\/campaigns\/(\d+)$/, ([id]) => one(campaigns, id)],
    ["POST", /^\/campaigns\/(\d+)\/(pause|resume|cancel|retry)$/, ([id, what]) => { const [status, c] = one(campaigns, id); if (status === 200) c.state = { pause: "paused", resume: "running", cancel: "cancelled", retry: "running" }[what]; return [status, c]; }],
    ["GET", /^\/campaigns\/(\d+)\/members$/, (_, __, q) => [200, { members: households.slice(0, 16).map(member).filter((m) => m.state === q.get("state")) }]],
    ["GET", /^\/groups$/, () => [200, { groups: [{ id: 3, name: "新生", members: 120 }] }]],
    ["GET", /^\/work$/, (_, __, q) => [200, { items: items.filter((i) => (q.get("state") ? i.state === q.get("state") : i.state !== "closed")) }]],
    ["GET", /^\/work\/(\d+)$/, ([id]) => one(items, id)],
    ["POST", /^\/work\/(\d+)\/resolution$/, ([id], b) => { const [status, i] = one(items, id); if (status === 200) Object.assign(i, { state: "explained", resolution: b.text, resolved_by: "owner", resolved_at: Date.now() }); return [status, i]; }],
    ["POST", /^\/work\/(\d+)\/comments$/, ([id], b) => { const [status, i] = one(items, id); if (status === 200) i.comments.push({ at: Date.now(), user: "owner", text: b.text }); return [status, i]; }],
    ["PUT", /^\/work\/(\d+)\/assigned_to$/, ([id], b) => { const [status, i] = one(items, id); if (status === 200) i.assigned_to = b.user; return [status, i]; }],
    ["POST", /^\/reconcile$/, () => [200, { households: 312, statement_lines: 88, building_days: 14, open_items: 4 }]],
    ["GET", /^\/ticket-questions$/, () => [200, { questions }]],
    ["POST", /^\/households\/(\d+)\/ticket-answer$/, (_, b) => (b.answer === "take_meters" && b.contains_ticket === undefined ? [409, { error: { code: "tickets_unclear", message: "The office has sold tickets 3 to 4, which the meter has not confirmed, before the question was asked.", details: { contains_ticket_max: 4 } } }] : waits())],
    ["GET", /^\/audit$/, (_, __, q) => [200, { records: records.filter((r) => (!q.get("user") || r.user === q.get("user")) && (!q.get("subject") || r.subject === q.get("subject"))) }]],
    ["GET", /^\/audit\/head$/, () => [200, { number: 60, chain: "ab".repeat(32) }]],
    ["GET", /^\/audit\/verify$/, (_, __, q) => [200, q.get("expect") ? { whole: false, fault: "replaced", number: 41, records: 60, head: { number: 60, chain: "ab".repeat(32) }, explanation: "" } : { whole: true, fault: "none", number: 0, records: 60, head: { number: 60, chain: "ab".repeat(32) }, explanation: "" }]],
    ["GET", /^\/households\/(\d+)\/account$/, ([id]) => [200, account(Number(id))]],
    ["GET", /^\/households\/(\d+)\/bookings$/, () => [200, { bookings: [] }]],
    ["GET", /^\/dues$/, () => [200, { dues: [{ booking_id: 2, part: 0, household_id: h.id, payer_id: 1, channel: "wechat", ordered_fen: 12000, to_pay_fen: 12000, confirmed: false, paid: false }, { booking_id: 2, part: 1, household_id: h.id, payer_id: 2, channel: "cash", ordered_fen: 8000, to_pay_fen: 7640, confirmed: true, paid: false }] }]],
    ["GET", /^\/drawers$/, () => [200, { drawers: [{ id: 1, name: "一号窗口", open: true, operator: "lan", expected_fen: 123450 }] }]],
    ["POST", /^\/refunds\/preview$/, (_, b) => moneyPreview([{ payer_id: 1, channel: "wechat", amount_fen: b.amount_fen || 41207 }], [[h.id, side(true, 66085, 50000), side(true, 19210, 20000)]], true)],
    ["POST", /^\/corrections\/preview$/, () => moneyPreview([], [[h.id, side(true, 66085, 50000), side(true, 0, 0)], [households[1].id, side(true, 1000, 2000), side(true, 79125, 52000)]], true)],
    ["POST", /^\/households\/(\d+)\/settlement\/preview$/, ([id]) => moneyPreview([{ payer_id: 1, channel: "wechat", amount_fen: 24725 }, { payer_id: null, channel: "cash", amount_fen: 16482 }], [[Number(id), side(true, 66085, 50000), side(false, 0, 8793)]], true)],
    ["POST", /^\/(refunds|corrections)$/, waits], ["POST", /^\/households\/(\d+)\/(settlement|clear|grants)$/, waits],
  ];
}
