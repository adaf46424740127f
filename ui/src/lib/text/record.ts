import type { HopKind } from '../journey';
import { grouped } from '../number';
import { plural } from './language';

const spanStarts: Record<HopKind, string> = {
  server: 'arrived',
  client: 'call sent',
  consumer: 'arrived',
  producer: 'sending',
  internal: 'begun',
};

const spanEnds: Record<HopKind, string> = {
  server: 'left',
  client: 'call answered',
  consumer: 'left',
  producer: 'sent',
  internal: 'ended',
};

const en = {
  title: 'Record',
  close: 'Close the record',
  noMessage: '(no message)',
  noLevel: 'LOG',
  starts: spanStarts,
  ends: spanEnds,
  outcome: 'outcome declared',
  expect: 'next station declared',
  alias: 'named',
  news: 'New',
  open: (service: string, message: string): string => `Open the record of ${service}: ${message}`,

  toJourney: 'Its journey, at this record',
  error: 'Error',
  stack: 'Stack trace',
  copyStack: 'Copy the stack trace',
  copyMessage: 'Copy the message',
  copyRecord: 'Copy as JSON',
  copyField: (name: string): string => `Copy ${name}`,

  carrier: 'Message that began this hop',
  carriers: 'Messages that began this hop',
  carrierWhy: 'Of the Kafka message that the hop of this record picked up, not of the record’s own.',
  topic: 'Topic',
  partition: 'Partition',
  offset: 'Offset',
  group: 'Group',

  fields: 'Fields',
  fieldCount: (n: number): string => plural(n, 'field', 'fields'),
  fieldActions: (name: string): string => `${name}: what may be done with it`,
  only: 'Only these',
  without: 'Without these',
  moreFields: (n: number): string => `Show ${plural(n, 'more field', 'more fields')}`,

  context: {
    title: 'Written around it',
    within: { instance: 'Same instance', service: 'Same service', journey: 'Same journey' },
    loading: 'Looking around …',
    failed: 'What was written around it cannot be had.',
    this: 'This record',
    noOlder: 'Nothing older is kept.',
    noNewer: 'Nothing newer has come.',
    moreOlder: 'Show older ones',
    moreNewer: 'Show newer ones',
  },

  keys: { close: 'Close the record', older: 'Older record of the same kind of neighbours', newer: 'Newer record of the same kind of neighbours' },
};

const zhTW: typeof en = {
  title: '記錄',
  close: '關閉記錄',
  noMessage: '（沒有訊息）',
  noLevel: '日誌',
  starts: { server: '抵達', client: '送出呼叫', consumer: '抵達', producer: '正在送出', internal: '開始' },
  ends: { server: '離開', client: '呼叫已回覆', consumer: '離開', producer: '已送出', internal: '結束' },
  outcome: '宣告結果',
  expect: '宣告下一站',
  alias: '命名',
  news: '新',
  open: (service, message) => `開啟 ${service} 的記錄：${message}`,

  toJourney: '前往它的旅程中這筆記錄',
  error: '錯誤',
  stack: '堆疊追蹤',
  copyStack: '複製堆疊追蹤',
  copyMessage: '複製訊息',
  copyRecord: '複製為 JSON',
  copyField: (name) => `複製 ${name}`,

  carrier: '開始這次到訪的訊息',
  carriers: '開始這次到訪的訊息',
  carrierWhy: '這是本次到訪所取走的 Kafka 訊息的位置，不是這筆記錄本身的。',
  topic: '主題',
  partition: '分割區',
  offset: '位移',
  group: '群組',

  fields: '欄位',
  fieldCount: (n) => `${grouped(n)} 個欄位`,
  fieldActions: (name) => `${name}：可用的動作`,
  only: '只看這些',
  without: '排除這些',
  moreFields: (n) => `再顯示 ${grouped(n)} 個欄位`,

  context: {
    title: '前後的記錄',
    within: { instance: '同一執行個體', service: '同一服務', journey: '同一旅程' },
    loading: '正在查看前後 …',
    failed: '無法取得前後的記錄。',
    this: '這筆記錄',
    noOlder: '沒有保留更舊的記錄。',
    noNewer: '還沒有更新的記錄。',
    moreOlder: '顯示更舊的',
    moreNewer: '顯示更新的',
  },

  keys: { close: '關閉記錄', older: '前一筆相鄰記錄', newer: '後一筆相鄰記錄' },
};

export const record = { en, 'zh-TW': zhTW };
