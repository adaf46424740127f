import { grouped } from '../number';
import { plural } from './language';

const en = {
  title: 'Tail',
  list: 'Records as they come, the newest last',
  phases: { connecting: 'Connecting …', live: 'Live', away: 'Connection lost; it goes on where it was', failed: 'Stopped' },
  pause: 'Pause',
  resume: 'Go on',
  paused: 'Paused',
  clear: 'Clear',
  fresh: (n: number): string => `${grouped(n)} new`,
  receipt: (shown: number, skipped: number): string => `shown ${grouped(shown)}, skipped ${grouped(skipped)}`,
  receiptWhy: 'Shown and skipped make up all that matched. What is skipped came faster than it could be sent here; search still finds it.',
  gap: (n: number, partition: number): string => `Kafka dropped ${plural(n, 'message', 'messages')} of partition ${partition} before anybody read them`,
  gapBack: (partition: number): string => `Partition ${partition} was made anew, or has lost its end`,
  keeps: (n: number): string => `The latest ${grouped(n)} are kept here`,
  waiting: 'Waiting for records. What is written from now on appears here.',
  placeholder: 'service:bank level>=warn',
  level: 'Level',
  levels: { '': 'All levels', info: 'Info and worse', warn: 'Warnings and errors', error: 'Errors' },
  keys: { pause: 'Pause, or go on', next: 'Next record', previous: 'Previous record', open: 'Open the record', query: 'Go to the query', clear: 'Clear the list' },
};

const zhTW: typeof en = {
  title: '即時',
  list: '即時記錄，最新在後',
  phases: { connecting: '連線中 …', live: '即時', away: '連線中斷；恢復後會從原處繼續', failed: '已停止' },
  pause: '暫停',
  resume: '繼續',
  paused: '已暫停',
  clear: '清除',
  fresh: (n) => `${grouped(n)} 筆新記錄`,
  receipt: (shown, skipped) => `已顯示 ${grouped(shown)}，略過 ${grouped(skipped)}`,
  receiptWhy: '已顯示與略過合計即為所有符合的記錄。略過的是來得太快而未能送達此處；仍可用搜尋找到。',
  gap: (n, partition) => `Kafka 在任何人讀取之前捨棄了分割區 ${partition} 的 ${grouped(n)} 則訊息`,
  gapBack: (partition) => `分割區 ${partition} 已重建，或遺失了結尾`,
  keeps: (n) => `此處保留最新 ${grouped(n)} 筆`,
  waiting: '等待記錄。從現在起寫入的會出現在這裡。',
  placeholder: 'service:bank level>=warn',
  level: '等級',
  levels: { '': '所有等級', info: 'Info 以上', warn: '警告與錯誤', error: '錯誤' },
  keys: { pause: '暫停或繼續', next: '下一筆記錄', previous: '上一筆記錄', open: '開啟記錄', query: '移到查詢', clear: '清除清單' },
};

export const tail = { en, 'zh-TW': zhTW };
