package operator

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// loadingPatience is how long token servers may take to load a version before the condition counts them: most of them
// take a fraction of a second, and a status that counts each of them costs a write each time.
const loadingPatience = 2 * time.Second

// Loaded says how many of the live token servers have loaded the version of the object that is being evaluated.
type Loaded struct {
	Have, Live int
	// Patience is how long from now it says nothing that there are none: the operator has just begun to count.
	Patience time.Duration
}

// programmed is what the Programmed condition says. settled means that the status already holds what the token servers
// take from it, so that the version which they have loaded is the one that counts.
//
// It stays True while nothing that they take from the object changes: a token server that starts later loads everything
// before it takes part.
func (v visit) programmed(settled bool, loaded Loaded) (said verdict, wait time.Duration) {
	before, known := v.existingVerdict(v1alpha1.ConditionProgrammed)
	if !settled {
		loaded.Have = 0
	} else if known && before.ok {
		return before, 0
	}
	switch {
	case loaded.Live == 0 && loaded.Patience > 0:
		if known && before.reason == v1alpha1.ReasonNoTokenServers {
			return before, loaded.Patience
		}
		return no(v1alpha1.ReasonPending, "The token servers have yet to say what they have loaded"), loaded.Patience
	case loaded.Live == 0:
		return no(v1alpha1.ReasonNoTokenServers, "No token server is running: look at the Deployment of the token server and its logs"), 0
	case loaded.Have == loaded.Live && settled:
		return yes(v1alpha1.ReasonProgrammed, "Every token server has loaded this version (%d/%d replicas)", loaded.Have, loaded.Live), 0
	}
	counted := no(v1alpha1.ReasonPending, "The token servers are loading this version (%d/%d replicas)", loaded.Have, loaded.Live)
	if !known || before.reason != v1alpha1.ReasonPending {
		return counted, loadingPatience
	}
	since := meta.FindStatusCondition(v.existing, v1alpha1.ConditionProgrammed).LastTransitionTime.Time
	if wait := loadingPatience - v.now.Sub(since); wait > 0 && wait <= loadingPatience {
		return before, wait
	}
	return counted, 0
}
