import type { IdFault } from '../id';
import { grouped } from '../number';
import { plural } from './language';

const idFaults: Record<IdFault, string> = {
  empty: 'Enter a tracking number first.',
  too_long: 'A tracking number has at most 2,048 characters.',
  bad_character: 'A tracking number holds no line breaks. Was more pasted than the number?',
  dots: 'Dots alone are not a tracking number.',
};

const en = {
  product: 'Waybill',
  home: 'Waybill, to the start page',
  skip: 'Skip to the content',
  document: (title: string): string => `${title} · Waybill`,

  nav: {
    label: 'Pages',
    search: 'Search',
    tail: 'Tail',
    map: 'Map',
    health: 'Health',
    alerts: 'Alerts',
  },

  settings: {
    title: 'Settings',
    theme: 'Colours',
    themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
    language: 'Language',
    languages: { en: 'English', 'zh-TW': '繁體中文' },
    times: 'Times',
    timeModes: { relative: 'Relative', local: 'Local', utc: 'UTC' },
    keys: 'Keyboard',
  },

  keys: {
    title: 'Keys',
    everywhere: 'Everywhere',
    here: 'On this page',
    followedBy: 'then',
    help: 'Show the keys',
    track: 'Go to the tracking number',
    close: 'Close what is open',
    toSearch: 'Go to search',
    toTail: 'Go to the tail',
    toMap: 'Go to the map',
    toHealth: 'Go to health',
    toAlerts: 'Go to alerts',
    closeButton: 'Close',
    times: 'Times relative, local, UTC',
  },

  start: {
    title: 'Where did it go?',
    lead: 'Enter the tracking number of one request. See every station it passed, where it is now, and what went wrong.',
    hintsTitle: 'Where to find a tracking number',
    hints: [
      { where: 'In the answer', what: 'Every response carries it in the header', example: 'x-correlation-id' },
      { where: 'In the logs', what: 'Every record carries it in the field', example: 'correlation.id' },
      { where: 'In a trace', what: 'Where the caller gave no ID, the trace ID is it', example: '00-4bf92f35…-01' },
    ],
  },

  box: {
    label: 'Tracking number',
    search: 'Track a request',
    placeholder: 'Correlation ID, order number, trace ID',
    submit: 'Track',
    faults: idFaults,
  },

  loading: 'Loading …',
  time: { unknown: 'Time not known', now: 'just now' },
  copy: { copy: 'Copy', copied: 'Copied', selected: 'Selected: copy it with the keyboard' },
  more: (n: number): string => `Show ${grouped(n)} more`,
  showAll: (characters: number): string => `Show all ${plural(characters, 'character', 'characters')}`,
  showLess: 'Show less',
  records: (n: number): string => plural(n, 'record', 'records'),
  journeys: (n: number): string => plural(n, 'journey', 'journeys'),
  errors: (n: number): string => plural(n, 'error', 'errors'),
  asOf: (when: string): string => `Known until ${when}`,
  asOfUnknown: 'It is not known how far records are stored',
  partial: 'Not everything was read: there was more than can be read in time.',

  away: {
    banner: 'The server does not answer. What you see is what was known before; the page keeps trying.',
    again: 'Try now',
    back: 'The server answers again.',
  },

  failure: {
    notFound: { title: 'Nothing found', body: 'What this address names is not there.' },
    ambiguous: { title: 'Which of these?', body: 'Several journeys have this tracking number.' },
    invalid: { title: 'That cannot be asked', body: 'The server does not understand the question.' },
    gone: { title: 'That has gone', body: 'What was asked for is not kept any more.' },
    unreachable: { title: 'The server does not answer', body: 'Waybill cannot be reached from here at the moment. This page keeps trying.' },
    serverError: { title: 'The server could not answer', body: 'Waybill is there, but something went wrong inside.' },
    forbidden: { title: 'Not allowed', body: 'The token does not allow this to be seen.' },
    notUnderstood: { title: 'The answer made no sense', body: 'This page and the server may be of different versions. Load the page anew.' },
    unauthorized: { title: 'A token is needed', body: 'This Waybill answers those only who have a token.' },
    status: (status: number): string => `HTTP status ${status}`,
    checked: (at: string): string => `Last asked at ${at}`,
    again: 'Ask again',
  },

  token: {
    title: 'This Waybill asks for a token',
    body: 'Whoever runs it can give you one. It is kept in this browser tab only, until the tab closes.',
    refused: 'The server did not accept that token. It may have expired.',
    malformed: 'A token is one word of plain ASCII characters.',
    label: 'Access token',
    submit: 'Continue',
  },
};

const zhTW: typeof en = {
  product: 'Waybill',
  home: 'Waybill，回到首頁',
  skip: '跳到內容',
  document: (title) => `${title} · Waybill`,

  nav: { label: '頁面', search: '搜尋', tail: '即時', map: '地圖', health: '健康', alerts: '警示' },

  settings: {
    title: '設定',
    theme: '色彩',
    themes: { system: '跟隨系統', light: '淺色', dark: '深色' },
    language: '語言',
    languages: { en: 'English', 'zh-TW': '繁體中文' },
    times: '時間',
    timeModes: { relative: '相對', local: '本地', utc: 'UTC' },
    keys: '鍵盤',
  },

  keys: {
    title: '按鍵',
    everywhere: '所有頁面',
    here: '本頁',
    followedBy: '再按',
    help: '顯示按鍵',
    track: '移到追蹤號碼',
    close: '關閉開啟的項目',
    toSearch: '前往搜尋',
    toTail: '前往即時',
    toMap: '前往地圖',
    toHealth: '前往健康',
    toAlerts: '前往警示',
    closeButton: '關閉',
    times: '切換相對、本地、UTC 時間',
  },

  start: {
    title: '它到哪裡去了？',
    lead: '輸入一個請求的追蹤號碼，即可看到它經過的每一站、目前所在位置，以及哪裡出了問題。',
    hintsTitle: '追蹤號碼在哪裡',
    hints: [
      { where: '在回應裡', what: '每個回應都在這個標頭帶著它', example: 'x-correlation-id' },
      { where: '在日誌裡', what: '每筆記錄都在這個欄位帶著它', example: 'correlation.id' },
      { where: '在追蹤裡', what: '呼叫端沒有給 ID 時，trace ID 就是它', example: '00-4bf92f35…-01' },
    ],
  },

  box: {
    label: '追蹤號碼',
    search: '追蹤一個請求',
    placeholder: '關聯 ID、訂單號碼、trace ID',
    submit: '追蹤',
    faults: {
      empty: '請先輸入追蹤號碼。',
      too_long: '追蹤號碼最多 2,048 個字元。',
      bad_character: '追蹤號碼不含換行。是否貼上了號碼以外的內容？',
      dots: '只有點不是追蹤號碼。',
    },
  },

  loading: '載入中 …',
  time: { unknown: '時間不明', now: '剛剛' },
  copy: { copy: '複製', copied: '已複製', selected: '已選取：請用鍵盤複製' },
  more: (n) => `再顯示 ${grouped(n)} 個`,
  showAll: (characters) => `顯示全部 ${grouped(characters)} 個字元`,
  showLess: '顯示較少',
  records: (n) => `${grouped(n)} 筆記錄`,
  journeys: (n) => `${grouped(n)} 個旅程`,
  errors: (n) => `${grouped(n)} 個錯誤`,
  asOf: (when) => `已知截至 ${when}`,
  asOfUnknown: '不知道記錄已存到何時',
  partial: '並未讀完全部：數量超過時限內能讀取的。',

  away: {
    banner: '伺服器沒有回應。您看到的是先前已知的內容；本頁會繼續嘗試。',
    again: '立即重試',
    back: '伺服器恢復回應。',
  },

  failure: {
    notFound: { title: '找不到', body: '這個網址所指的內容不存在。' },
    ambiguous: { title: '是哪一個？', body: '有多個旅程符合這個追蹤號碼。' },
    invalid: { title: '無法這樣詢問', body: '伺服器不理解這個問題。' },
    gone: { title: '已不存在', body: '所要求的內容已不再保留。' },
    unreachable: { title: '伺服器沒有回應', body: '目前無法連上 Waybill。本頁會繼續嘗試。' },
    serverError: { title: '伺服器無法回答', body: 'Waybill 在線，但內部發生了問題。' },
    forbidden: { title: '沒有權限', body: '這個權杖不允許查看此內容。' },
    notUnderstood: { title: '無法理解回應', body: '本頁與伺服器的版本可能不同。請重新載入頁面。' },
    unauthorized: { title: '需要權杖', body: '這個 Waybill 只回答持有權杖的人。' },
    status: (status) => `HTTP 狀態 ${status}`,
    checked: (at) => `上次詢問於 ${at}`,
    again: '再問一次',
  },

  token: {
    title: '這個 Waybill 需要權杖',
    body: '請向管理者索取。權杖只保存在這個瀏覽器分頁，關閉分頁即清除。',
    refused: '伺服器不接受這個權杖，可能已過期。',
    malformed: '權杖是一個由一般 ASCII 字元組成的字。',
    label: '存取權杖',
    submit: '繼續',
  },
};

export const shell = { en, 'zh-TW': zhTW };
