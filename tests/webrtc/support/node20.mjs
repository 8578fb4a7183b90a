// js-libp2p asks for Node.js 22; what it misses in 20 is this. Import it first.

Promise.withResolvers ??= function () {
  /** @type {any} */
  const made = {};
  made.promise = new this((resolve, reject) => Object.assign(made, {resolve, reject}));
  return made;
};
