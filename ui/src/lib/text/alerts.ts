const en = {
  title: 'Alerts',
};

const zhTW: typeof en = {
  title: '警示',
};

export const alerts = { en, 'zh-TW': zhTW };
