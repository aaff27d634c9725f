// Command enforcer makes the node that it runs on obey NetworkPolicies: the part of kube-router that does so, and nothing
// else of it. KUBECONFIG names the cluster and RETRYLAB_CLUSTER the node. What it does to iptables goes with it when it is
// told to end.
package main

import (
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// What comes to an address of --service-cluster-ip-range is let in unasked, for IPVS. In this cluster kube-proxy has turned it
// into a pod's before, but for the DNS server's, which policies are to count for: so this is an address that nobody has.
const letIn = "192.0.2.0/32"

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	if err := enforce(told); err != nil {
		log.Fatal(err)
	}
}

func enforce(told <-chan os.Signal) error {
	account, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(account)
	if err != nil {
		return err
	}
	stop, running := make(chan struct{}), sync.WaitGroup{}
	informers := informers.NewSharedInformerFactory(client, 0)
	pods := informers.Core().V1().Pods().Informer()
	policies := informers.Networking().V1().NetworkPolicies().Informer()
	namespaces := informers.Core().V1().Namespaces().Informer()
	informers.Start(stop)
	informers.WaitForCacheSync(stop)

	controller := func() (*netpol.NetworkPolicyController, error) {
		config := options.NewKubeRouterConfig()
		config.EnableIPv4, config.ClusterIPCIDRs = true, []string{letIn}
		config.HostnameOverride = os.Getenv("RETRYLAB_CLUSTER")
		iptables, ipsets, err := netpol.NewIPTablesHandlers(config)
		if err != nil {
			return nil, err
		}
		return netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &sync.Mutex{}, iptables, ipsets)
	}
	runs, err := controller()
	if err != nil {
		return err
	}
	for _, watch := range []struct {
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{{pods, runs.PodEventHandler}, {policies, runs.NetworkPolicyEventHandler}, {namespaces, runs.NamespaceEventHandler}} {
		if _, err := watch.informer.AddEventHandler(watch.handler); err != nil {
			return err
		}
	}
	heartbeats := make(chan *healthcheck.ControllerHeartbeat)
	go func() {
		for range heartbeats { // the controller waits until each is taken
		}
	}()
	running.Add(1)
	go runs.Run(heartbeats, stop, &running)
	<-told
	close(stop)
	running.Wait()
	// One that has run would add what is there to what it remembers, and restore both.
	cleans, err := controller()
	if err != nil {
		return err
	}
	cleans.Cleanup()
	return nil
}
