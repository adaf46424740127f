const en = {
  title: 'Map',
};

const zhTW: typeof en = {
  title: '地圖',
};

export const map = { en, 'zh-TW': zhTW };
