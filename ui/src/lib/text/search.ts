const en = {
  title: 'Search',
};

const zhTW: typeof en = {
  title: '搜尋',
};

export const search = { en, 'zh-TW': zhTW };
