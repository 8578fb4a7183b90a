// @ts-check
/**
 * Projector mode: the whole screen, large type, no controls, the newest epoch by itself. By the button, the key F or `?projector` in the
 * address; Escape or F ends it. The screen stays lit where the browser allows that.
 */

/** @param {(on: boolean) => void} changed */
export function projector(changed) {
  /** @type {WakeLockSentinel|undefined} */
  let lit;
  const on = () => document.body.hasAttribute('data-projector');
  const set = async (/** @type {boolean} */ wanted, asked = true) => {
    if (wanted === on()) return;
    document.body.toggleAttribute('data-projector', wanted);
    const address = new URL(location.href);
    if (wanted) address.searchParams.set('projector', '');
    else address.searchParams.delete('projector');
    history.replaceState(null, '', address.href.replace('projector=', 'projector'));
    changed(wanted);
    try {
      // A page may fill the screen only when somebody asks for it: not by its address alone.
      if (wanted && asked) await document.documentElement.requestFullscreen?.();
      if (!wanted && document.fullscreenElement) await document.exitFullscreen();
    } catch {
      // The window will do.
    }
    await light(wanted);
  };
  const light = async (/** @type {boolean} */ wanted) => {
    await lit?.release().catch(() => {});
    lit = wanted ? await navigator.wakeLock?.request('screen').catch(() => undefined) : undefined;
  };
  // A browser takes the lock back from a page that is not seen.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && on()) light(true);
  });
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLSelectElement) return;
    if (event.key === 'f' || event.key === 'F') set(!on());
    else if (event.key === 'Escape') set(false);
  });
  document.addEventListener('fullscreenchange', () => {
    if (!document.fullscreenElement && on()) set(false);
  });
  if (new URL(location.href).searchParams.has('projector')) set(true, false);
  return {toggle: () => set(!on()), on};
}
