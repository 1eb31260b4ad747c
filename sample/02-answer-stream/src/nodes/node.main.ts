import 'reflect-metadata';
import { serve } from '../serve.js';

// Ends the node when the process that has started it has ended.
process.once('disconnect', () => process.exit(1));

await serve(Number(process.env['PORT']), '127.0.0.1');
process.send?.('up');
