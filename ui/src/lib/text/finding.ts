import { formatDuration } from '../duration';
import type { Code, Finding } from '../finding';
import { marked as m } from '../marked';
import { grouped } from '../number';
import { printable } from '../printable';

type Said = (f: Finding, at: string) => string;

const operation = (f: Finding): string => (f.operation === '' ? 'a hop whose start is missing' : m(f.operation));
const service = (f: Finding): string => (f.service === '' ? 'an unknown service' : m(f.service));
const topic = (f: Finding): string => (f.topic === '' ? 'an unknown topic' : m(f.topic));
const within = (f: Finding): string => formatDuration(f.within ?? 0);
const why = (f: Finding): string => (f.why === '' ? '' : `: ${printable(f.why)}`);
const and = (names: readonly string[], word: string): string => names.map((name) => m(name)).join(word);
const place = (f: Finding): boolean => f.partition !== null && f.offset !== null;

const en: Record<Code, Said> = {
  group_behind: (f, at) =>
    `${service(f)} sent a message over ${topic(f)} at ${at}, and group ${m(f.group)} has not picked it up` +
    (place(f) ? `: the group stands at offset ${f.committed ?? 0} of partition ${f.partition}, the message is ${f.offset}` : '') +
    (f.deserted ? '; nobody is in the group' : ''),
  station_late: (f, at) => `${service(f)} asked ${m(f.awaited)} over ${topic(f)} at ${at}, nobody has picked it up, and it was due within ${within(f)}`,
  never_came: (f, at) => `${service(f)} expected ${m(f.awaited)} within ${within(f)} of ${at}, and it has not come`,
  hop_failed: (f) => `${service(f)} failed in ${operation(f)}${why(f)}`,
  refused: (f) => `${service(f)} answered ${operation(f)} with HTTP ${f.status}`,
  hop_open: (f, at) => `${service(f)} has not finished ${operation(f)}, begun at ${at}`,
  unanswered: (f, at) => `${service(f)} made a call at ${at}, and nobody has answered it`,
  not_picked_up: (f, at) =>
    f.awaited === ''
      ? `${service(f)} sent a message over ${topic(f)} at ${at}, nobody has picked it up`
      : `${service(f)} asked ${m(f.awaited)} over ${topic(f)} at ${at}, nobody has picked it up`,
  declared: (f) => `${and([f.service, ...f.also], ' and ')} declared it ${f.declared}${why(f)}`,
  saga_undeclared: (f) => `nobody declared what became of saga ${m(f.saga)}`,
  no_hops: () => 'there are log records only, no hops',
  undeclared: () => 'every hop has ended, and nobody declared it delivered',
  promised: (f) => `every hop has ended and nobody declared it delivered; ${service(f)} answered HTTP 202, which promises work to come`,
  unrouted: (f) => `every hop has ended and nobody declared it delivered; no route tells who else picks up ${topic(f)}`,
  ended_well: () => 'every hop ended well, and everything sent was picked up',
  too_many: (f) => (f.count === 0 ? 'there are more records than were read' : `only the earliest ${grouped(f.count)} records were read`),
  too_many_to_fold: () => 'there is more of this journey than its summary keeps',

  all_here: () => 'every hop has ended, and all the records it counted are here',
  no_records: () => 'there are no records',
  left_out: () => 'the records left out were not counted',
  lost: (f) => `${grouped(f.count)} of the records that services wrote are lost, number ${f.number} of a hop of ${service(f)} first`,
  not_received: (f, at) => `what ${service(f)} sent at ${at} has not been picked up`,
  passed_by: (f, at) => `group ${m(f.group)} has gone past what ${service(f)} sent over ${topic(f)} at ${at}, and no record of it is here`,
  passed_by_too: (f, at) => `group ${m(f.group)} too has gone past what ${service(f)} sent over ${topic(f)} at ${at}, and no record of that is here`,
  sends_missing: (f) => `${service(f)} sent ${f.count} times in ${operation(f)}, and ${f.here} of them are here`,
  sent_elsewhere: (f) => `${service(f)} sent something to a service that writes no records here`,
  cause_missing: (f) => `what caused ${operation(f)} of ${service(f)} has no records here`,
  not_ended: (f) => `${service(f)} has not ended ${operation(f)}`,
  hop_not_counted: (f) => `${service(f)} does not count the records of ${operation(f)}`,
  not_counted: (f) => `${service(f)} writes records that no hop counts`,
  records_missing: (f) =>
    f.count === 1
      ? `record ${f.number} that ${service(f)} wrote in ${operation(f)} is not here`
      : `${grouped(f.count)} records that ${service(f)} wrote in ${operation(f)} are not here, number ${f.number} first`,
  gaps_not_counted: (f) => `the records of ${service(f)} in ${operation(f)} have too many gaps to tell`,
};

const operationZh = (f: Finding): string => (f.operation === '' ? '一次缺少開頭記錄的到訪' : ` ${m(f.operation)} `);
const serviceZh = (f: Finding): string => (f.service === '' ? '不明的服務' : m(f.service));
const topicZh = (f: Finding): string => (f.topic === '' ? '不明的主題' : m(f.topic));
const whyZh = (f: Finding): string => (f.why === '' ? '' : `：${printable(f.why)}`);
const declaredZh: Readonly<Record<string, string>> = { delivered: '已送達', returned: '已退回', failed: '失敗' };

const zhTW: Record<Code, Said> = {
  group_behind: (f, at) =>
    `${serviceZh(f)} 於 ${at} 經由 ${topicZh(f)} 送出訊息，群組 ${m(f.group)} 尚未取走` +
    (place(f) ? `：群組停在分割區 ${f.partition} 的位移 ${f.committed ?? 0}，訊息在位移 ${f.offset}` : '') +
    (f.deserted ? '；群組裡沒有任何成員' : ''),
  station_late: (f, at) => `${serviceZh(f)} 於 ${at} 經由 ${topicZh(f)} 請求 ${m(f.awaited)}，無人取走，而原應在 ${within(f)} 內取走`,
  never_came: (f, at) => `${serviceZh(f)} 預期 ${m(f.awaited)} 在 ${at} 起的 ${within(f)} 內接手，但它沒有出現`,
  hop_failed: (f) => `${serviceZh(f)} 在${operationZh(f)}中失敗${whyZh(f)}`,
  refused: (f) => `${serviceZh(f)} 以 HTTP ${f.status} 回覆了${operationZh(f)}`.trimEnd(),
  hop_open: (f, at) => `${serviceZh(f)} 於 ${at} 開始的${operationZh(f)}尚未完成`,
  unanswered: (f, at) => `${serviceZh(f)} 於 ${at} 發出的呼叫，至今無人回覆`,
  not_picked_up: (f, at) =>
    f.awaited === '' ? `${serviceZh(f)} 於 ${at} 經由 ${topicZh(f)} 送出訊息，無人取走` : `${serviceZh(f)} 於 ${at} 經由 ${topicZh(f)} 請求 ${m(f.awaited)}，無人取走`,
  declared: (f) => `${and([f.service, ...f.also], '、')} 宣告它${declaredZh[f.declared] ?? ` ${printable(f.declared)}`}${whyZh(f)}`,
  saga_undeclared: (f) => `無人宣告 saga ${m(f.saga)} 的結果`,
  no_hops: () => '只有日誌記錄，沒有到訪',
  undeclared: () => '每次到訪都已結束，但無人宣告已送達',
  promised: (f) => `每次到訪都已結束，但無人宣告已送達；${serviceZh(f)} 回覆了 HTTP 202，表示還有後續工作`,
  unrouted: (f) => `每次到訪都已結束，但無人宣告已送達；沒有路由說明還有誰會取走 ${topicZh(f)}`,
  ended_well: () => '每次到訪都順利結束，送出的一切都已取走',
  too_many: (f) => (f.count === 0 ? '記錄比讀取的還多' : `只讀取了最早的 ${grouped(f.count)} 筆記錄`),
  too_many_to_fold: () => '這個旅程的內容超過摘要所能保留',

  all_here: () => '每次到訪都已結束，其計數的記錄全部都在',
  no_records: () => '沒有任何記錄',
  left_out: () => '略過的記錄沒有計入',
  lost: (f) => `服務寫出的記錄中有 ${grouped(f.count)} 筆遺失，第一筆是 ${serviceZh(f)} 某次到訪的第 ${f.number} 筆`,
  not_received: (f, at) => `${serviceZh(f)} 於 ${at} 送出的內容尚未被取走`,
  passed_by: (f, at) => `群組 ${m(f.group)} 已越過 ${serviceZh(f)} 於 ${at} 經由 ${topicZh(f)} 送出的訊息，但這裡沒有相關記錄`,
  passed_by_too: (f, at) => `群組 ${m(f.group)} 也已越過 ${serviceZh(f)} 於 ${at} 經由 ${topicZh(f)} 送出的訊息，但這裡沒有相關記錄`,
  sends_missing: (f) => `${serviceZh(f)} 在${operationZh(f)}中送出 ${f.count} 次，這裡只有 ${f.here} 次`,
  sent_elsewhere: (f) => `${serviceZh(f)} 送出了內容給不在這裡寫記錄的服務`,
  cause_missing: (f) => `引發 ${serviceZh(f)} 的${operationZh(f)}的來源在這裡沒有記錄`,
  not_ended: (f) => `${serviceZh(f)} 尚未結束${operationZh(f)}`.trimEnd(),
  hop_not_counted: (f) => `${serviceZh(f)} 沒有計數${operationZh(f)}的記錄`,
  not_counted: (f) => `${serviceZh(f)} 寫了不屬於任何到訪計數的記錄`,
  records_missing: (f) =>
    f.count === 1
      ? `${serviceZh(f)} 在${operationZh(f)}中寫的第 ${f.number} 筆記錄不在這裡`
      : `${serviceZh(f)} 在${operationZh(f)}中寫的 ${grouped(f.count)} 筆記錄不在這裡，第一筆是第 ${f.number} 筆`,
  gaps_not_counted: (f) => `${serviceZh(f)} 在${operationZh(f)}中的記錄缺漏太多，無法判斷`,
};

const all = { en, 'zh-TW': zhTW };
const joints = { en: '; ', 'zh-TW': '；' };

/** A finding as a sentence with its names marked; null where this page has no words for it. `clock` writes times. */
export function sayFinding(finding: Finding, language: keyof typeof all, clock: (finding: Finding) => string): string | null {
  if (finding.code === null) return null;
  const said = all[language][finding.code](finding, clock(finding));
  const because = finding.because === null ? null : sayFinding(finding.because, language, clock);
  const whole = because === null ? said : `${said}${joints[language]}${because}`;
  // A service's own name keeps its case at the beginning.
  return language === 'en' ? whole.charAt(0).toUpperCase() + whole.slice(1) : whole;
}
