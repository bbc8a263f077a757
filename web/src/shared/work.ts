// Items of work in words. The office writes figures, explanation and proposals in English; in Chinese the explanation of each
// kind stands here. Pure.
import { language, t, tMaybe } from "./i18n";
import type { TicketQuestion, WorkItem } from "./office_api";
import "./office_words";

export const kWorkKinds = [
  "ticket_ahead", "ticket_other_total", "ticket_forgotten", "ticket_used_less", "ticket_cleared", "ledger_ticket_unknown", "ledger_ticket_not_confirmed",
  "ledger_remaining_too_high", "ledger_register_went_back", "ledger_use_unlike_registers", "move_short", "channel_missing_here", "channel_missing_there",
  "channel_other_amount", "channel_double", "head_unlike_rooms", "head_went_back", "head_reading_old", "setting_changed_at_meter",
  "card_rolled_back", "card_without_order", "card_unlike_ledger", "card_carries_unbooked", "card_says_tamper", "card_says_unread",
  "books_restored",
] as const;
export type WorkKind = (typeof kWorkKinds)[number];

const kZh: Record<WorkKind, { why: string; todo: string }> = {
  ticket_ahead: { why: "电表里的购电票不是本系统发出的，通常是数据库恢复成了旧备份。决定之前不再向这户发购电票，供电状态不变。", todo: "在上方“购电票疑问”中选择以谁的总额为准，须两人。" },
  ticket_other_total: { why: "电表里的购电票号与本系统相同，但总额不同，通常是旧备份恢复后又用同一号售过电。决定之前不再向这户发购电票，供电状态不变。", todo: "在上方“购电票疑问”中选择以谁的总额为准，须两人。" },
  ticket_forgotten: { why: "电表丢失了账户（更换、维修或复位）。重发同一张票会把已用电量再送一遍，因此按最后已知的余额开新账户；此后用掉的电量未知。", todo: "余额可接受则无需处理；知道期间用量时做更正。" },
  ticket_used_less: { why: "电表显示的用量比以前少：它丢失过记忆，并把购电票当成从未用过。按最后已知的余额开新账户。", todo: "余额可接受则无需处理；知道期间用量时做更正。" },
  ticket_cleared: { why: "这户已在电表上清零，账户在表内已关闭，旧购电票作废；开新账户前不供电。", todo: "在上方“购电票疑问”中决定是否开新账户。" },
  ledger_ticket_unknown: { why: "电表确认了账本里没有的购电票。可能原因依次为：数据库恢复成旧备份；数据库中一笔账被删除；另一套系统写过这块表。", todo: "与最新备份和当日票据核对；有购电票疑问时先回答它。" },
  ledger_ticket_not_confirmed: { why: "已付款或赠送的电量还没有到表。可能原因依次为：表箱或总线无应答；购电票在等疑问的答复；表箱密钥不同。", todo: "检查总线和表箱。不要重复售电，购电票会自动送达。" },
  ledger_remaining_too_high: { why: "电表余额多于账本给出减去已用。可能原因依次为：电表丢失记忆、重新计量；另一套系统的购电票；数据库中一笔账被删除。", todo: "完整读取电表账户并核对购电票；需要更正时须两人，系统不会自动修改。" },
  ledger_register_went_back: { why: "电能示数比以前小，而它只会增加。可能原因依次为：换过表或恢复出厂而未告知系统；存储损坏。", todo: "核对现场是哪块表；换表须在系统中登记。" },
  ledger_use_unlike_registers: { why: "账户扣减与电能示数的增量不符。可能原因：有反向电量（光伏逆变器）也被计费；账户被他人写过；账户或示数的存储损坏。", todo: "现场读取两个示数和账户；需要更正时须两人，系统不会自动修改。" },
  move_short: { why: "换房后旧表显示：带走的余额中有一部分在旧房间已用掉，两边都计了，无法自动收回。", todo: "向搬走的住户收取，或承担并在此注明；系统不会自动记账。" },
  channel_missing_here: { why: "渠道有这笔款（或退款），账本没有。可能原因依次为：付款后售电被拒或中断；绕过系统付款或退款；记到了别的渠道；数据库恢复成旧备份。", todo: "询问付款人：补售或退回；渠道已退款的补记。系统不会自动记账。" },
  channel_missing_there: { why: "账本有这笔款（或退款），渠道没有。可能原因依次为：售电后付款中断，或渠道尚未执行退款；记错渠道；对账单期间不全。", todo: "取更新的对账单；钱确未到账时由两人更正，退款未到时补付。" },
  channel_other_amount: { why: "同一订单，账本与渠道金额不同。可能原因依次为：录入错误；渠道扣了手续费；只付了一部分。", todo: "查看渠道回单；由两人更正，或补付、追回差额。" },
  channel_double: { why: "渠道对同一订单有两笔付款（或退款）。可能原因依次为：重复付款或重复退款；对账单用两个流水号写了同一笔。", todo: "通过渠道退回一笔，或追回一笔。" },
  head_unlike_rooms: { why: "总表与各房间之和不符。总表较多：有未计量用电（走廊、电梯）、未录入的房间、表前取电；房间较多：总表读数或互感器倍率有误、房间由别处供电。", todo: "重抄总表并核对倍率，与前几天比较；检查表前用电或供电来源。" },
  head_went_back: { why: "总表示数比以前小，而它只会增加；该段时间不作比较。可能原因依次为：录错读数；换过总表。", todo: "重新录入该时刻的正确读数；换过总表则无需处理。" },
  head_reading_old: { why: "总表已久未抄读，各房间之和此后没有可比的数。可能原因依次为：没人抄或没录入；上报程序没有运行。", todo: "抄读总表并录入。" },
  setting_changed_at_meter: { why: "电表曾按系统的设定运行，现在是另一个值：有人在表上改过。系统会改回。", todo: "误改则无需处理；确需此值时在系统中设定。" },
  card_rolled_back: { why: "卡上内容比上次写入并核对过的旧：有人写回了旧内容，或这是复制卡。无人因此得利：电表每张购电票只认一次，说过的旧状态也不再采信。", todo: "重新写入最新购电票并询问持卡人，或换卡。重新写入后自动关闭。" },
  card_without_order: { why: "卡上有密封正确的购电票，但本系统没有写它的指令：数据库恢复成了更旧的备份，或有人不当地签发了购电票。", todo: "查明最近一次恢复备份的时间；若未恢复过，更换主密钥并查谁能读到它。" },
  card_unlike_ledger: { why: "电表通过卡报告的状态与账本不符：有账本未签发的购电票、总额不同，或用量比已知的少。", todo: "直接读取表箱并核对收据和对账单；用量变少时检查表箱是否被打开。与账本重新一致时自动关闭。" },
  card_carries_unbooked: { why: "按本系统的账，这张卡上的购电票没有以此总额入账，或无人下过写卡指令：卡上内容与售电记录不符。", todo: "读卡并重新写入最新购电票；查操作日志，看谁改过账。" },
  card_says_tamper: { why: "刷卡前62天内电表至少发现以下之一：本表箱有错误密码、伪造或重放的命令、坏卡（同箱各户的卡都会报告）；或这户有反向电量（如端子接反、表后有发电设备）。卡上不说明是哪一种。", todo: "读取表箱的事件记录（经总线，或在表箱旁用电脑），看“安全”和“故障”两类的内容和时间。同箱多户都报告时检查表箱、封印和接线；只有这户时检查出线和屋内光伏、发电机。在此注明结果，则在表箱再记到坏卡之前不再提示。之后刷过的卡不再带此迹象时自动关闭，最早在最后一次迹象的62天后。" },
  books_restored: { why: "数据库由备份恢复：备份之后售出的电量在电表里，不在账本里。读到电表时，多出的会作为购电票疑问提出；在读到之前不向这户的卡写票，否则本系统的票会顶掉账本里没有的那一张。", todo: "等待读表：总线在一小时内读完其所有账户。总线故障时，核对备份之后的收据，再在此注明结果；注明后立即恢复写卡，由注明的人负责。全部读到后自动关闭。" },
  card_says_unread: { why: "表箱或这户的事件在表内已超过31天，发生后无人读取过事件记录，或读取后表箱停过电。每类记录只保留最新的若干条，未读就被覆盖的无法再查。", todo: "读取表箱的事件记录：经总线，或在表箱旁用电脑。用电和余额不受影响。读取之后刷过的卡送回时自动关闭。" },
};

export function kindWords(kind: string): string {
  return tMaybe(`work_kind.${kind}`) ?? kind;
}
export function explanationOf(item: Pick<WorkItem, "kind" | "explanation">): string {
  return language.value === "zh" ? (kZh[item.kind as WorkKind]?.why ?? item.explanation) : item.explanation;
}
export function proposalsOf(item: Pick<WorkItem, "kind" | "proposals">): string[] {
  const own = language.value === "zh" ? kZh[item.kind as WorkKind]?.todo : undefined;
  return own ? [own] : item.proposals;
}
export function questionWords(question: TicketQuestion): string {
  return explanationOf({ kind: `ticket_${question.situation}`, explanation: question.explanation });
}
// Only a meter that has an account of its own has a total that could count.
export function mayTakeMeters(question: Pick<TicketQuestion, "situation" | "meter">): "yes" | "no_account" | "not_read" {
  if (question.situation !== "ahead" && question.situation !== "other_total") return "no_account";
  return question.meter.credited === null ? "not_read" : "yes";
}
export function officeRemaining(question: TicketQuestion): number {
  return question.office.credited - question.office.used_known;
}
export function workStateWords(state: WorkItem["state"]): string {
  return t(`work_state.${state}`);
}
