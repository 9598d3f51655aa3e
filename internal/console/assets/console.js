// Takes the part of the page that changes from the server again, so that nothing but that part moves. Without it, the
// browser reloads the page. Who does not see the page is told when something is wrong and when it is well again, once.
'use strict';
(() => {
  const part = document.querySelector('[data-refresh]');
  const button = document.querySelector('[data-pause]');
  const stale = document.querySelector('[data-stale]');
  const said = document.querySelector('[data-said]');
  if (!part || !button || !stale || !said) return;
  let paused = false;
  button.hidden = false;
  button.addEventListener('click', () => {
    paused = !paused;
    button.classList.toggle('paused', paused);
    button.textContent = paused ? 'Resume' : 'Pause';
  });
  const problems = () => [...part.querySelectorAll('.notice')].map((n) => n.textContent).join(' ');
  let known = problems();
  const tell = (text) => {
    document.body.classList.toggle('stale', text !== '');
    if (stale.textContent === text) return;
    const notice = document.createElement('p');
    notice.className = 'notice bad';
    notice.textContent = text;
    stale.replaceChildren(...(text === '' ? [] : [notice]));
  };
  const refresh = async () => {
    if (paused || document.hidden) return;
    let next;
    try {
      const response = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
      if (!response.ok) throw new Error(response.statusText);
      next = new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('[data-refresh]');
      if (!next) throw new Error('another page');
    } catch {
      tell('The console does not answer, or what is before it wants you to sign in again. What is shown here is old: load the page again.');
      return;
    }
    tell('');
    if (paused) return;
    const open = [...part.querySelectorAll('details[open] > summary')].map((s) => s.id);
    const focused = part.contains(document.activeElement) ? document.activeElement.id : '';
    part.replaceChildren(...next.childNodes);
    for (const id of open) document.getElementById(id)?.parentElement.setAttribute('open', '');
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    if (problems() !== known) {
      known = problems();
      said.textContent = known || 'All token servers are reached again.';
    }
  };
  setInterval(refresh, 1000 * Number(part.dataset.refresh));
})();
