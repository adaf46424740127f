// All that the page says, in both languages.
const texts = {
  en: {
    skip: 'To the content',
    shop: 'Waybill shop',
    language: 'Language',
    logout: 'Log out',
    'login.title': 'Log in',
    'login.lead': 'A small shop of many services. Each answer has a tracking number, and each number a timeline.',
    'login.user': 'User',
    'login.password': 'Password',
    'login.go': 'Log in',
    'login.hint': 'To try it: USER1 with demo1, or USER2 with demo2.',
    'wallet.dollars': 'Dollars',
    'wallet.points': 'Points',
    'wallet.reserved': 'Reserved',
    'buy.title': 'Buy points',
    'buy.offers': 'Offers',
    'buy.points': 'Points, one dollar each',
    'buy.go': 'Buy',
    'buy.done': (id, state) => `Order ${id} is ${state}.`,
    'cart.title': 'Cart',
    'cart.none': 'Nothing in it yet.',
    'cart.remove': (name) => `Take ${name} out`,
    'orders.title': 'Your orders',
    'orders.none': 'No orders yet.',
    'orders.points': (n) => `${n} points`,
    'products.title': 'Products',
    'products.none': 'There are none.',
    'products.left': (n) => (n === 0 ? 'sold out' : `${n} left`),
    'products.recommended': 'For you',
    'products.add': 'Into the cart',
    'products.addNamed': (name) => `Put ${name} into the cart`,
    'products.stars': (stars, n) => `${stars} of 5 stars, ${n} ${n === 1 ? 'review' : 'reviews'}`,
    'reviews.title': 'Reviews',
    'reviews.none': 'No reviews yet.',
    'answers.title': 'Tracking numbers',
    'answers.lead': 'What this page asked for, newest first. A number leads to the timeline of its answer.',
    'answers.track': (id) => `Timeline of ${id}`,
    'answers.login': 'Log-in',
    'answers.logout': 'Log-out',
    'answers.home': 'Home page',
    'answers.purchase': 'Purchase',
    'answers.account': 'Bank account',
    'answers.player': 'Points',
    'answers.cart': 'Cart',
    missing: 'This part does not answer just now.',
    partial: (names) => `Some parts do not answer just now: ${names}. The rest is complete.`,
    'failed.network': 'The shop cannot be reached. Try again.',
    'failed.other': 'That did not work.',
    'failed.401': 'User or password is wrong.',
    'failed.402': 'There are not enough dollars in the account.',
    'failed.429': 'Too many requests. Wait a moment.',
    'failed.503': 'The service is in trouble. Try again in a moment.',
    'failed.504': 'The service did not answer in time.',
    'service.orders': 'orders',
    'service.reviews': 'reviews',
    'service.products': 'products',
    'service.recommendations': 'recommendations',
    'service.stock': 'stock',
    'service.cart': 'cart',
    'state.NEW': 'under way',
    'state.OPEN': 'done',
    'state.CANCEL': 'cancelled',
  },
  'zh-TW': {
    skip: '跳到內容',
    shop: 'Waybill 商店',
    language: '語言',
    logout: '登出',
    'login.title': '登入',
    'login.lead': '由許多服務組成的小商店。每個回應都有追蹤號碼，每個號碼都有時間軸。',
    'login.user': '使用者',
    'login.password': '密碼',
    'login.go': '登入',
    'login.hint': '試用帳號：USER1 / demo1，或 USER2 / demo2。',
    'wallet.dollars': '餘額',
    'wallet.points': '點數',
    'wallet.reserved': '保留中',
    'buy.title': '購買點數',
    'buy.offers': '方案',
    'buy.points': '點數（每點一美元）',
    'buy.go': '購買',
    'buy.done': (id, state) => `訂單 ${id}：${state}。`,
    'cart.title': '購物車',
    'cart.none': '購物車是空的。',
    'cart.remove': (name) => `移除${name}`,
    'orders.title': '您的訂單',
    'orders.none': '還沒有訂單。',
    'orders.points': (n) => `${n} 點`,
    'products.title': '商品',
    'products.none': '目前沒有商品。',
    'products.left': (n) => (n === 0 ? '已售完' : `剩 ${n} 件`),
    'products.recommended': '為您推薦',
    'products.add': '加入購物車',
    'products.addNamed': (name) => `將${name}加入購物車`,
    'products.stars': (stars, n) => `${stars} 顆星（滿分 5），${n} 則評論`,
    'reviews.title': '評論',
    'reviews.none': '還沒有評論。',
    'answers.title': '追蹤號碼',
    'answers.lead': '本頁發出的請求，最新的在最前面。點選號碼可查看該回應的時間軸。',
    'answers.track': (id) => `${id} 的時間軸`,
    'answers.login': '登入',
    'answers.logout': '登出',
    'answers.home': '首頁',
    'answers.purchase': '購買',
    'answers.account': '銀行帳戶',
    'answers.player': '點數',
    'answers.cart': '購物車',
    missing: '這個部分目前沒有回應。',
    partial: (names) => `部分內容目前沒有回應：${names}。其餘內容完整。`,
    'failed.network': '無法連線到商店，請再試一次。',
    'failed.other': '操作沒有成功。',
    'failed.401': '使用者或密碼錯誤。',
    'failed.402': '帳戶餘額不足。',
    'failed.429': '請求太多，請稍候。',
    'failed.503': '服務發生問題，請稍後再試。',
    'failed.504': '服務沒有及時回應。',
    'service.orders': '訂單',
    'service.reviews': '評論',
    'service.products': '商品',
    'service.recommendations': '推薦',
    'service.stock': '庫存',
    'service.cart': '購物車',
    'state.NEW': '處理中',
    'state.OPEN': '完成',
    'state.CANCEL': '已取消',
  },
};

const key = 'shop.language';
let current = chosen();

function chosen() {
  const kept = localStorage.getItem(key);
  if (kept in texts) return kept;
  return navigator.languages.some((l) => /^zh/i.test(l)) ? 'zh-TW' : 'en';
}

export const language = () => current;

export function speak(language) {
  current = language;
  localStorage.setItem(key, language);
}

/** The text of a name; what the services say that has no text here stays as it is. */
export function text(name, ...values) {
  const t = texts[current][name];
  return typeof t === 'function' ? t(...values) : (t ?? values[0] ?? name);
}

export const has = (name) => name in texts.en;

/** Writes the page's fixed texts. */
export function label(root) {
  document.documentElement.lang = current === 'en' ? 'en' : 'zh-Hant-TW';
  document.title = text('shop');
  for (const e of root.querySelectorAll('[data-text]')) e.textContent = text(e.dataset.text);
  for (const e of root.querySelectorAll('[data-label]')) e.setAttribute('aria-label', text(e.dataset.label));
  for (const e of root.querySelectorAll('[data-language]')) e.setAttribute('aria-pressed', String(e.dataset.language === current));
}

export const number = (n) => new Intl.NumberFormat(current).format(n);
export const dollars = (n) => new Intl.NumberFormat(current, { style: 'currency', currency: 'USD', maximumFractionDigits: 0 }).format(n);
export const moment = (at) => new Intl.DateTimeFormat(current, { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(at));
