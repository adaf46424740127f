import { grouped } from '../number';
import { plural } from './language';

const en = {
  title: 'Map',
  drawing: 'Map of services and topics. Arrow keys go from one to the next; Enter shows its figures.',
  placeholder: 'verdict:stalled visited:bank since:1h',
  range: 'Time',
  newest: 'Drawn from',
  newestOf: (n: number): string => `the newest ${grouped(n)} journeys`,
  from: (n: number): string => plural(n, 'journey', 'journeys'),
  over: 'There is more than is drawn: ask of less time, or of fewer journeys.',
  empty: 'No journey began in this time that the query asks for.',
  as: 'Show as',
  views: { map: 'Map', table: 'Table' },
  verdicts: 'Verdicts',
  pause: 'Pause',
  resume: 'Resume',
  paused: 'Paused: the map shows what was known then.',
  updated: 'updated',

  keys: { query: 'To the query', view: 'Map or table', close: 'Close the figures' },

  kinds: { service: 'Service', topic: 'Topic' },
  groups: { service: (n: number): string => plural(n, 'more service', 'more services'), topic: (n: number): string => plural(n, 'more topic', 'more topics') },
  transports: { http: 'HTTP', kafka: 'Kafka', local: 'in the same process' },

  perSecond: (n: string): string => `${n}/s`,
  perMinute: (n: string): string => `${n}/min`,
  perHour: (n: string): string => `${n}/h`,

  hops: (n: number): string => plural(n, 'hop', 'hops'),
  legs: (n: number): string => plural(n, 'leg', 'legs'),
  failed: (n: number): string => `${grouped(n)} failed`,
  open: (n: number): string => `${grouped(n)} not ended`,
  waiting: (n: number): string => `${grouped(n)} waiting`,
  edge: (from: string, to: string): string => `${from} to ${to}`,

  columns: { from: 'From', to: 'To', over: 'Over', legs: 'Legs', rate: 'Rate', failed: 'Failed', waiting: 'Waiting', half: 'Half took at most', most: '99 % took at most', name: 'Name', kind: 'Kind', hops: 'Hops', open: 'Not ended' },
  tables: { nodes: 'Services and topics', edges: 'Ways between them' },
  none: '–',

  panel: {
    close: 'Close the figures',
    queue: 'Time in the queue',
    took: 'Time taken',
    half: 'half at most',
    most: '99 % at most',
    into: 'Comes from',
    out: 'Goes to',
    inside: 'Handed on inside',
    searchJourneys: 'Journeys that came here',
    searchFailed: 'Journeys with errors here',
    searchTopic: 'Records about this topic',
    searchBoth: 'Journeys that came to both',
  },

  legend: { title: 'Legend', http: 'calls over HTTP', kafka: 'messages over Kafka', local: 'handed on in one process', failed: 'some failed', waiting: 'nobody picks up', queue: 'time in the queue: half · 99 %' },
};

const zhTW: typeof en = {
  title: '地圖',
  drawing: '服務與主題的地圖。方向鍵在其間移動；Enter 顯示數字。',
  placeholder: 'verdict:stalled visited:bank since:1h',
  range: '時間',
  newest: '依據',
  newestOf: (n) => `最新 ${grouped(n)} 個旅程`,
  from: (n) => `${grouped(n)} 個旅程`,
  over: '並未畫出全部：請縮短時間或減少旅程數。',
  empty: '這段時間內沒有符合查詢的旅程。',
  as: '顯示為',
  views: { map: '地圖', table: '表格' },
  verdicts: '判定',
  pause: '暫停',
  resume: '繼續',
  paused: '已暫停：地圖顯示當時已知的內容。',
  updated: '更新於',

  keys: { query: '移到查詢', view: '地圖或表格', close: '關閉數字' },

  kinds: { service: '服務', topic: '主題' },
  groups: { service: (n) => `另外 ${grouped(n)} 個服務`, topic: (n) => `另外 ${grouped(n)} 個主題` },
  transports: { http: 'HTTP', kafka: 'Kafka', local: '同一程序內' },

  perSecond: (n) => `每秒 ${n}`,
  perMinute: (n) => `每分鐘 ${n}`,
  perHour: (n) => `每小時 ${n}`,

  hops: (n) => `${grouped(n)} 站`,
  legs: (n) => `${grouped(n)} 程`,
  failed: (n) => `${grouped(n)} 個失敗`,
  open: (n) => `${grouped(n)} 個尚未結束`,
  waiting: (n) => `${grouped(n)} 個等待中`,
  edge: (from, to) => `${from} 到 ${to}`,

  columns: { from: '從', to: '到', over: '經由', legs: '程數', rate: '頻率', failed: '失敗', waiting: '等待中', half: '半數不超過', most: '99 % 不超過', name: '名稱', kind: '種類', hops: '站數', open: '尚未結束' },
  tables: { nodes: '服務與主題', edges: '其間的路徑' },
  none: '–',

  panel: {
    close: '關閉數字',
    queue: '佇列中的時間',
    took: '所需時間',
    half: '半數不超過',
    most: '99 % 不超過',
    into: '來自',
    out: '前往',
    inside: '內部交接',
    searchJourneys: '來過這裡的旅程',
    searchFailed: '在這裡有錯誤的旅程',
    searchTopic: '關於此主題的記錄',
    searchBoth: '兩處都到過的旅程',
  },

  legend: { title: '圖例', http: 'HTTP 呼叫', kafka: 'Kafka 訊息', local: '在同一程序內交接', failed: '有些失敗', waiting: '無人取走', queue: '佇列中的時間：半數 · 99 %' },
};

export const map = { en, 'zh-TW': zhTW };
