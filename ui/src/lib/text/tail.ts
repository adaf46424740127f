const en = {
  title: 'Tail',
};

const zhTW: typeof en = {
  title: '即時',
};

export const tail = { en, 'zh-TW': zhTW };
