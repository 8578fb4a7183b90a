import {createPeer} from '../index.js';
const [form, chart, line] = ['form', 'svg', 'polyline'].map((name) => document.querySelector(name));
const show = (id, text) => (document.getElementById(id).textContent = text);
const say = ({message}) => void show('says', message);
const hear = {
  device: ({kind, name}) => show('device', [kind, name].filter(Boolean).join(', ')),
  network: ({connections}) => show('neighbours', connections.filter(({kind}) => kind !== 'node').length),
  head: ({height, signers, validators}) => show('head', `${height}, signed by ${signers} of ${validators}`),
  own: ({uid}) => show('uid', uid ?? 'not registered yet'),
  step({step, alone, answered}) {
    show('step', `${step}: loss ${alone.toFixed(3)}, ${answered.length} answered`);
    line.points.appendItem(Object.assign(chart.createSVGPoint(), {x: step, y: alone}));
    chart.setAttribute('viewBox', `${line.points[0].x} 0 ${line.points.length} 6`);
  },
};

form.onsubmit = () => {
  form.inert = true;
  createPeer({node: form.node.value, onEvent: (event) => (event.message ? say : hear[event.type])?.(event)}).catch(say).then((peer) => (form.inert = !!peer));
};
