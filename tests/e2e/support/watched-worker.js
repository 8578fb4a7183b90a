// A played worker of the market's page: tells the page what a test says, and the test what the page asks for.

const channel = new BroadcastChannel('watched');
channel.onmessage = ({data}) => data.told && postMessage(data.told);
onmessage = ({data}) => channel.postMessage({asked: data});
channel.postMessage({asked: 'begun'});
