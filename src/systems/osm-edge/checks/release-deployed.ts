// The Helm release of the mesh is in a state from which helm upgrade starts. The osm command line installs by Helm as well.
import { releaseDeployed } from '../../../chart/release-deployed.ts';

export default releaseDeployed('osm-edge');
