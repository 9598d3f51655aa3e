// Takes the part of the page that changes from the server again, so that nothing but that part moves. Without it, the
// browser reloads the page.
'use strict';
(() => {
  const part = document.querySelector('[data-refresh]');
  const button = document.querySelector('[data-pause]');
  if (!part || !button) return;
  let paused = false;
  button.hidden = false;
  button.addEventListener('click', () => {
    paused = !paused;
    button.setAttribute('aria-pressed', String(paused));
    button.textContent = paused ? 'Paused' : 'Pause';
  });
  const refresh = async () => {
    if (paused || document.hidden) return;
    let next;
    try {
      const response = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
      if (!response.ok) throw new Error(response.statusText);
      next = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('[data-refresh]');
      if (!next) throw new Error('another page');
    } catch {
      document.body.classList.add('stale');
      return;
    }
    document.body.classList.remove('stale');
    const open = [...part.querySelectorAll('details[open] > summary')].map((s) => s.id);
    const focused = part.contains(document.activeElement) ? document.activeElement.id : '';
    part.replaceChildren(...next.childNodes);
    for (const id of open) document.getElementById(id)?.parentElement.setAttribute('open', '');
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };
  setInterval(refresh, 1000 * Number(part.dataset.refresh));
})();
