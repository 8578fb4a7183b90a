// Counts what is launched on WebGPU, and takes the launches of a step again, one by one, to see which kernels its time
// goes to. Works on whatever library launches: it stands between the library and the browser.

/** @typedef {{device: any, pipeline: any, groups: any[], size: number[]}} Launch */

const global = /** @type {any} */ (globalThis);
/** Whom a launch is counted for, and the counts. @type {{who: string, launches: Record<string, number>}} */
export const count = {who: 'none', launches: {}};
/** Of an encoder, of a pass, of a pipeline. */
const [devices, passes, names] = [new WeakMap(), new WeakMap(), new WeakMap()];
/** @type {Launch[]|null} */
let recorded = null;

/** @param {string} type @param {string} name @param {(self: any, args: any[], result: any) => void} note */
function after(type, name, note) {
  const prototype = global[type]?.prototype;
  const real = prototype?.[name];
  if (!real) return;
  prototype[name] = function (/** @type {any[]} */ ...args) {
    const result = real.apply(this, args);
    note(this, args, result);
    return result;
  };
}

/** The name of a kernel, without the hash or number that a compiler or bundler put behind it. @param {any} descriptor */
const called = (descriptor) => (descriptor.label || descriptor.compute.entryPoint || 'kernel').replace(/_[0-9a-f]{6,}$/, '').replace(/\d+$/, '');

after('GPUDevice', 'createComputePipeline', (_, [descriptor], pipeline) => names.set(pipeline, called(descriptor)));
after('GPUDevice', 'createComputePipelineAsync', (_, [descriptor], promise) => {
  promise.then((/** @type {any} */ pipeline) => names.set(pipeline, called(descriptor)), () => {});
});
after('GPUDevice', 'createCommandEncoder', (device, _, encoder) => devices.set(encoder, device));
after('GPUCommandEncoder', 'beginComputePass', (encoder, _, pass) => passes.set(pass, {device: devices.get(encoder), pipeline: null, groups: []}));
after('GPUComputePassEncoder', 'setPipeline', (pass, [pipeline]) => (passes.get(pass).pipeline = pipeline));
after('GPUComputePassEncoder', 'setBindGroup', (pass, [index, ...group]) => (passes.get(pass).groups[index] = group));
for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']) {
  after('GPUComputePassEncoder', name, (pass, size) => {
    count.launches[count.who] = (count.launches[count.who] ?? 0) + 1;
    const {device, pipeline, groups} = passes.get(pass);
    if (name === 'dispatchWorkgroups') recorded?.push({device, pipeline, groups: [...groups], size});
  });
}

/** The launches of `work`. @param {() => Promise<unknown>} work */
export async function record(work) {
  const launches = (recorded = /** @type {Launch[]} */ ([]));
  await work();
  recorded = null;
  return launches;
}

/** Time of each kernel in these launches, each taken by itself: the better of two. @param {Launch[]} launches */
export async function replay(launches) {
  /** @type {Record<string, {name: string, ms: number, launches: number}>} */
  const kernels = {};
  for (const {device, pipeline, groups, size} of launches) {
    let best = Infinity;
    for (let i = 0; i < 2; i += 1) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      groups.forEach((group, index) => group && pass.setBindGroup(index, ...group));
      pass.dispatchWorkgroups(...size);
      pass.end();
      const started = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      best = Math.min(best, performance.now() - started);
    }
    const name = names.get(pipeline) ?? 'kernel';
    const kernel = (kernels[name] ??= {name, ms: 0, launches: 0});
    kernel.ms += best;
    kernel.launches += 1;
  }
  return Object.values(kernels).sort((a, b) => b.ms - a.ms);
}
