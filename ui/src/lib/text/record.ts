const en = {
  title: 'Record',
  close: 'Close the record',
};

const zhTW: typeof en = {
  title: '記錄',
  close: '關閉記錄',
};

export const record = { en, 'zh-TW': zhTW };
