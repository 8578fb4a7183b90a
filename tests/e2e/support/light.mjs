// Tabs without training: their text never ends coming until somebody lets it.

/** Runs in the page before its scripts: a text of which a byte comes now and then, until somebody calls `endOfText`. */
export function endlessText() {
  const get = window.fetch.bind(window);
  const encoder = new TextEncoder();
  window.fetch = (input, init) => {
    if (!/\/corpus$/.test(String(input instanceof Request ? input.url : input))) return get(input, init);
    return Promise.resolve(
      new Response(
        new ReadableStream({
          start(stream) {
            const timer = setInterval(() => stream.enqueue(encoder.encode('a')), 3000);
            stream.enqueue(encoder.encode('a'));
            /** @type {any} */ (window).endOfText = () => {
              clearInterval(timer);
              stream.close();
            };
          },
        }),
      ),
    );
  };
}
