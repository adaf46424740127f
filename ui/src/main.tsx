import { render } from 'preact';
import { fetchJourney } from './api/journeys';
import { openAddress } from './state/address';
import { createTokenStore } from './state/token';
import { createTracker } from './state/tracker';
import './styles/index.css';
import { App } from './views/app';

const tracker = createTracker(fetchJourney, createTokenStore(() => window.sessionStorage), () => document.hidden);
document.addEventListener('visibilitychange', () => tracker.visibilityChanged());
window.addEventListener('online', () => tracker.again());
const address = openAddress(tracker, window);

const root = document.getElementById('app');
if (root !== null) render(<App tracker={tracker} address={address} />, root);
