// Returns what is wrong with a page: what the browser refused, text of objects that ran, and what people who do not see it,
// see little of it, or use no mouse would miss (WCAG 2.2).
() => {
  const wrong = [...(window.refused || [])].map((r) => 'the browser refuses ' + r);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const shown = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const name = (e) => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + (e.getAttribute('class') ? '.' + e.getAttribute('class') : '') + ' "' + (e.textContent || '').trim().slice(0, 40) + '"';
  if (window.pwned) wrong.push('text of an object ran: ' + window.pwned);
  if (all('[style], style, script:not([src])').length) wrong.push('there is inline style or script');
  if (all('*').some((e) => [...e.attributes].some((a) => a.name.startsWith('on')))) wrong.push('there is an inline handler');

  // Landmarks, headings, names.
  if (document.documentElement.lang !== 'en') wrong.push('no language');
  if (!document.title) wrong.push('no title');
  for (const [selector, n] of [['main', 1], ['header', 1], ['footer', 1], ['h1', 1]]) if (all(selector).length !== n) wrong.push(all(selector).length + ' ' + selector);
  let level = 0;
  for (const h of all('h1,h2,h3,h4').filter(shown)) {
    const l = Number(h.tagName[1]);
    if (l > level + 1) wrong.push('heading skips a level: ' + name(h));
    level = l;
  }
  for (const e of all('nav, [role=search], [role=region]')) if (!e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')) wrong.push('landmark without a name: ' + name(e));
  for (const id of all('[aria-labelledby]').flatMap((e) => e.getAttribute('aria-labelledby').split(' '))) if (!document.getElementById(id)) wrong.push('nobody is called ' + id);
  const ids = all('[id]').map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) wrong.push('two are called ' + id);
  for (const e of all('input:not([type=hidden]), select, textarea')) if (!e.labels.length) wrong.push('field without a label: ' + name(e));
  for (const e of all('a[href], button, summary').filter(shown)) if (!(e.innerText || '').trim() && !e.getAttribute('aria-label')) wrong.push('nothing says where it leads: ' + name(e));
  for (const e of all('svg')) if (e.getAttribute('aria-hidden') !== 'true' && !(e.getAttribute('role') === 'img' && e.getAttribute('aria-label'))) wrong.push('picture without text: ' + name(e));
  for (const t of all('table')) {
    if (!t.caption || !t.caption.textContent.trim()) wrong.push('table without a caption: ' + name(t));
    if (all('thead th', t).some((h) => h.scope !== 'col') || all('tbody th', t).some((h) => h.scope !== 'row')) wrong.push('header without a scope: ' + name(t));
  }
  if (document.querySelector('[data-refresh] [role=status], [data-refresh] [role=alert], [data-refresh] [aria-live]')) wrong.push('what is replaced all the time would be read out each time');
  if (all('[tabindex]').some((e) => e.tabIndex > 0)) wrong.push('the order of focus is changed');
  if (!document.querySelector('a.skip[href="#content"]')) wrong.push('no way past the navigation');
  if (all('[aria-current]').length > 1) wrong.push('two places at once');

  // Nothing sticks out.
  if (document.documentElement.scrollWidth > innerWidth) {
    const out = all('body *').filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('pre'));
    wrong.push('wider than the screen: ' + out.slice(0, 3).map(name).join(', '));
  }

  for (const box of all('section, figure, table')) {
    const right = box.getBoundingClientRect().right;
    const out = all('*', box).find((e) => shown(e) && e.getBoundingClientRect().right > right + 1 && !e.closest('pre, svg, .hidden'));
    if (out) wrong.push('sticks out of its frame: ' + name(out));
  }

  // Contrast of text (1.4.3).
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
  const luminance = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
  const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(e) || e.closest('svg, noscript, .skip, .hidden') || seen.has(e)) continue;
    seen.add(e);
    const s = getComputedStyle(e);
    const large = parseFloat(s.fontSize) >= 24 || parseFloat(s.fontSize) >= 18.66 && Number(s.fontWeight) >= 700;
    const c = contrast(parse(s.color).rgb, behind(e));
    if (c < (large ? 3 : 4.5)) wrong.push('contrast of ' + c.toFixed(2) + ': ' + name(e));
    if (parseFloat(s.fontSize) < 11) wrong.push('too small: ' + name(e));
  }
  // Size of what one points at (2.5.8), links in running text excepted.
  for (const e of all('button, input, select, header nav a').filter(shown)) {
    const r = e.getBoundingClientRect();
    if (r.width < 24 || r.height < 24) wrong.push('too small to hit: ' + name(e));
  }
  return [...new Set(wrong)].slice(0, 20);
}
