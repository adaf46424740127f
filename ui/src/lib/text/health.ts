const en = {
  title: 'Health',
};

const zhTW: typeof en = {
  title: '健康',
};

export const health = { en, 'zh-TW': zhTW };
