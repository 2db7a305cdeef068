// The tally as it climbs, and the screen's changing code. Without this script, pages are reloaded by hand.
(() => {
  const stale = document.querySelector(".stale");
  const time = () => new Date().toLocaleTimeString("en-GB");
  let last = time();
  const fresh = () => { last = time(); stale.hidden = true; };
  const old = () => { stale.textContent = stale.dataset.stale.replace("{time}", last); stale.hidden = false; };

  const live = document.querySelector("[data-stream]");
  if (live) {
    // Nothing for 25 s (a heartbeat comes every 10) means that nobody speaks to us any more.
    const patience = 25000;
    let source, timer, grace;
    const heard = () => { fresh(); clearTimeout(timer); clearTimeout(grace); timer = setTimeout(connect, patience); };
    const connect = () => {
      if (source) { source.close(); old(); }
      source = new EventSource(live.dataset.stream);
      source.addEventListener("tally", (event) => { document.getElementById("tally").innerHTML = event.data; heard(); });
      source.addEventListener("heartbeat", (event) => { document.getElementById("freshness").innerHTML = event.data; heard(); });
      source.onerror = () => { grace = setTimeout(old, 3000); };
      clearTimeout(timer);
      timer = setTimeout(connect, patience);
    };
    connect();
    addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  }

  const screen = document.getElementById("screen");
  if (screen) {
    const wait = () => setTimeout(renew, Math.max(1000, Date.parse(screen.dataset.next) - Date.now() + 500));
    const renew = async () => {
      try {
        const answer = await fetch(location.href);
        const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("screen");
        if (!answer.ok || !found) throw new Error(answer.status);
        screen.innerHTML = found.innerHTML;
        screen.dataset.next = found.dataset.next;
        fresh();
        wait();
      } catch {
        old();
        setTimeout(renew, 5000);
      }
    };
    wait();
    const awake = () => { if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {}); };
    document.addEventListener("visibilitychange", awake);
    awake();
  }
})();
