// The Helm release is in a state from which helm upgrade starts: nothing in it is Spiderpool's own.
import { releaseDeployed } from '../../../chart/release-deployed.ts';

export default releaseDeployed('spiderpool');
