# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_killsnoop_exporter_global_optspecs
    string join \n web-listen-address= web-telemetry-path= web-max-connections= web-show-events otlp-endpoint= otlp-protocol= otlp-headers= otlp-timeout= otlp-compression= otlp-certificate= otlp-client-certificate= otlp-client-key= otlp-insecure otlp-queue-size= otlp-batch-size= otlp-flush-interval= otlp-retry-max= otlp-metrics otlp-metrics-interval= events-class= events-signal= events-exclude= events-noise events-failed events-pid= events-tpid= events-comm= events-uid= events-cgroup= events-container= events-pod= metrics-no-exemplars metrics-container-deaths metrics-container-deaths-max= control-socket= control-deaths= hook= ring-size= show-command-lines capabilities-keep= unconfined log-level= log-format= h/help V/version
end

function __fish_killsnoop_exporter_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc | string replace -r '^(--[^.=]*)\.' '$1-')
    set -e cmd[1]
    argparse -s (__fish_killsnoop_exporter_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_killsnoop_exporter_using_subcommand
    set -l cmd (__fish_killsnoop_exporter_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l web.listen-address -d 'Address to listen on: host:port, with an IPv6 host in brackets, or :port for all; may be repeated' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l web.telemetry-path -d 'Path under which the metrics are served' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l web.max-connections -d 'Connections that may be open at once; one more closes the one that has been idle for longest' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.endpoint -d 'Send each event as a log record to this collector' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.protocol -d 'How to talk to the collector: grpc or http/protobuf [default: http/protobuf, and grpc at port 4317]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.headers -d 'Headers sent with each request, percent-encoded. Other users see flags: give secrets by OTEL_EXPORTER_OTLP_HEADERS' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.timeout -d 'How long to wait for an answer [default: 10s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.compression -d 'How to compress requests: gzip or none [default: none]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.certificate -d 'Certificates (PEM) to trust instead of the system\'s' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.client-certificate -d 'Certificate chain (PEM) to show to the collector' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.client-key -d 'Private key (PEM) of that certificate' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.queue-size -d 'Events that may wait to be sent; more are lost, and counted [default: 65536]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.batch-size -d 'Events sent in one request, at most the queue\'s size [default: 512]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.flush-interval -d 'How long an event waits for others to be sent with it [default: 1s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.retry-max -d 'How long a request is tried again before its events are given up [default: 60s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.metrics-interval -d 'How often to push them; what takes longer than that is given up for the next push [default: 60s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.class -d 'Send these classes of events, with commas between' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.signal -d 'Send only these signals, and deaths by them: numbers from 0 to 64 or names, with commas between' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.exclude -d 'Send none of these signals, and no deaths by them' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.pid -d 'Send only what this process caused: its pid in the initial pid namespace, 1 or above' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.tpid -d 'Send only what has this target: of calls as the caller wrote it, of all else a pid in the initial pid namespace' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.comm -d 'Send only what has a process of this name as its sender or target; * in it stands for anything' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.uid -d 'Send only what has this user as its sender or target: a number or a name' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.cgroup -d 'Send only what has a sender or target in this cgroup or below it, such as /system.slice' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.container -d 'Send only what has a sender or target in this container: its name, or the first digits of its id, 4 or more' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.pod -d 'Send only what has a sender or target in this Kubernetes pod: its name, or namespace/name, or its uid' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l metrics.container-deaths-max -d 'The most series that deaths by container take; one that saw no death for an hour makes place for another' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l control.socket -d 'Socket on which `why` is answered, for root and the exporter\'s own user; empty for none [default: /run/killsnoop-exporter/control.sock]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l control.deaths -d 'How many deaths to keep for `why`; each takes some 1 KiB' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l hook -d 'How to be told of the calls' -r -f -a "auto\t'The first that works'
fexit\t'The end of the kernel\'s functions for the six calls'
kretprobe\t'The return of those functions, by a probe of the kernel'
tracepoint\t'The exit tracepoint of each of the six calls'
raw\t'The exit of every call'
none\t'No hook of calls'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l ring-size -d 'Size of the ring buffer for events, in bytes or with KiB or MiB: a power of two, at least a page' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l capabilities.keep -d 'Capabilities to keep once it watches: names with commas between, or all, or none' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l log.level -d 'Write messages of this level and above to standard error [default: info, and warn where events are printed]' -r -f -a "error\t'Data is being lost, or someone must act'
warn\t'Something went wrong and was recovered'
info\t'Start, stop, change'
debug\t'What a developer wants to know'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l log.format -d 'How a message is written' -r -f -a "text\t'A line for people, with colours on a terminal'
json\t'One JSON object a line'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l web.show-events -d 'Show at / which processes died lately, and by whom: to whoever can reach the port'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.insecure -d 'Use no TLS for a gRPC endpoint that is given without http:// or https://'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l otlp.metrics -d 'Push all metrics to the collector too, with the values that /metrics shows'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.noise -d 'Send noise too: signal 0, SIGCHLD, SIGURG, and whatever but SIGABRT a process sends to itself'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l events.failed -d 'Send only calls that failed, and nothing else'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l metrics.no-exemplars -d 'Leave out the exemplars: process ids and names of the last event behind a counter'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l metrics.container-deaths -d 'Show deaths by namespace, pod and container too'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l show-command-lines -d 'Tell the first 128 bytes of the command lines of those who die and those who kill'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -l unconfined -d 'Keep capabilities, files, connections and system calls, all that there are'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -s V -l version -d 'Print version'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -f -a "serve" -d 'Serve counters to Prometheus and send events as OTLP logs; what is done without a command'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -f -a "trace" -d 'Show each call that sends a signal, one line per call'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -f -a "why" -d 'Say why processes died: which signal, from whom, and what led to it'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_needs_command" -f -a "check" -d 'Say what works on this machine, what does not, and what to do'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l web.listen-address -d 'Address to listen on: host:port, with an IPv6 host in brackets, or :port for all; may be repeated' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l web.telemetry-path -d 'Path under which the metrics are served' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l web.max-connections -d 'Connections that may be open at once; one more closes the one that has been idle for longest' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.endpoint -d 'Send each event as a log record to this collector' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.protocol -d 'How to talk to the collector: grpc or http/protobuf [default: http/protobuf, and grpc at port 4317]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.headers -d 'Headers sent with each request, percent-encoded. Other users see flags: give secrets by OTEL_EXPORTER_OTLP_HEADERS' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.timeout -d 'How long to wait for an answer [default: 10s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.compression -d 'How to compress requests: gzip or none [default: none]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.certificate -d 'Certificates (PEM) to trust instead of the system\'s' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.client-certificate -d 'Certificate chain (PEM) to show to the collector' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.client-key -d 'Private key (PEM) of that certificate' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.queue-size -d 'Events that may wait to be sent; more are lost, and counted [default: 65536]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.batch-size -d 'Events sent in one request, at most the queue\'s size [default: 512]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.flush-interval -d 'How long an event waits for others to be sent with it [default: 1s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.retry-max -d 'How long a request is tried again before its events are given up [default: 60s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.metrics-interval -d 'How often to push them; what takes longer than that is given up for the next push [default: 60s]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.class -d 'Send these classes of events, with commas between' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.signal -d 'Send only these signals, and deaths by them: numbers from 0 to 64 or names, with commas between' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.exclude -d 'Send none of these signals, and no deaths by them' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.pid -d 'Send only what this process caused: its pid in the initial pid namespace, 1 or above' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.tpid -d 'Send only what has this target: of calls as the caller wrote it, of all else a pid in the initial pid namespace' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.comm -d 'Send only what has a process of this name as its sender or target; * in it stands for anything' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.uid -d 'Send only what has this user as its sender or target: a number or a name' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.cgroup -d 'Send only what has a sender or target in this cgroup or below it, such as /system.slice' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.container -d 'Send only what has a sender or target in this container: its name, or the first digits of its id, 4 or more' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.pod -d 'Send only what has a sender or target in this Kubernetes pod: its name, or namespace/name, or its uid' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l metrics.container-deaths-max -d 'The most series that deaths by container take; one that saw no death for an hour makes place for another' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l control.socket -d 'Socket on which `why` is answered, for root and the exporter\'s own user; empty for none [default: /run/killsnoop-exporter/control.sock]' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l control.deaths -d 'How many deaths to keep for `why`; each takes some 1 KiB' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l hook -d 'How to be told of the calls' -r -f -a "auto\t'The first that works'
fexit\t'The end of the kernel\'s functions for the six calls'
kretprobe\t'The return of those functions, by a probe of the kernel'
tracepoint\t'The exit tracepoint of each of the six calls'
raw\t'The exit of every call'
none\t'No hook of calls'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l ring-size -d 'Size of the ring buffer for events, in bytes or with KiB or MiB: a power of two, at least a page' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l capabilities.keep -d 'Capabilities to keep once it watches: names with commas between, or all, or none' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l log.level -d 'Write messages of this level and above to standard error [default: info, and warn where events are printed]' -r -f -a "error\t'Data is being lost, or someone must act'
warn\t'Something went wrong and was recovered'
info\t'Start, stop, change'
debug\t'What a developer wants to know'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l log.format -d 'How a message is written' -r -f -a "text\t'A line for people, with colours on a terminal'
json\t'One JSON object a line'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l web.show-events -d 'Show at / which processes died lately, and by whom: to whoever can reach the port'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.insecure -d 'Use no TLS for a gRPC endpoint that is given without http:// or https://'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l otlp.metrics -d 'Push all metrics to the collector too, with the values that /metrics shows'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.noise -d 'Send noise too: signal 0, SIGCHLD, SIGURG, and whatever but SIGABRT a process sends to itself'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l events.failed -d 'Send only calls that failed, and nothing else'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l metrics.no-exemplars -d 'Leave out the exemplars: process ids and names of the last event behind a counter'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l metrics.container-deaths -d 'Show deaths by namespace, pod and container too'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l show-command-lines -d 'Tell the first 128 bytes of the command lines of those who die and those who kill'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -l unconfined -d 'Keep capabilities, files, connections and system calls, all that there are'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -s p -l pid -d 'Show only calls by this process: its pid in the initial pid namespace, 1 or above' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -s T -l tpid -d 'Show only calls with this target, as the caller wrote it' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -s s -l signal -d 'Show only these signals: numbers from 0 to 64 or names, with commas between' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l exclude -d 'Do not show these signals: numbers from 0 to 64 or names, with commas between' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l comm -d 'Show only calls by processes of this name, in which * stands for anything' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l uid -d 'Show only calls by this user: a number or a name' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l cgroup -d 'Show only calls by processes in this cgroup or below it, such as /system.slice' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l container -d 'Show only calls by processes in this container: its name, or the first digits of its id, 4 or more' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l pod -d 'Show only calls by processes in this Kubernetes pod: its name, or namespace/name, or its uid' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l color -d 'Colour lines of deaths, OOM kills and calls that failed [default: auto, and never as killsnoop]' -r -f -a "auto\t'If they go to a terminal, and NO_COLOR is not set'
always\t'Wherever they go'
never\t'Nowhere'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l syscalls -d 'Show only these calls' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l count -d 'End after so many events, 1 or more' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l duration -d 'End after this time, with its unit: 10s, 5m, 1h 30m' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l hook -d 'How to be told of the calls' -r -f -a "auto\t'The first that works'
fexit\t'The end of the kernel\'s functions for the six calls'
kretprobe\t'The return of those functions, by a probe of the kernel'
tracepoint\t'The exit tracepoint of each of the six calls'
raw\t'The exit of every call'
none\t'No hook of calls'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l ring-size -d 'Size of the ring buffer for events, in bytes or with KiB or MiB: a power of two, at least a page' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l capabilities.keep -d 'Capabilities to keep once it watches: names with commas between, or all, or none' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l log.level -d 'Write messages of this level and above to standard error [default: info, and warn where events are printed]' -r -f -a "error\t'Data is being lost, or someone must act'
warn\t'Something went wrong and was recovered'
info\t'Start, stop, change'
debug\t'What a developer wants to know'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l log.format -d 'How a message is written' -r -f -a "text\t'A line for people, with colours on a terminal'
json\t'One JSON object a line'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -s x -l failed -d 'Show only calls that failed'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -s n -l names -d 'Show signals by name: SIGKILL, SIGRTMIN+1'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l timestamp -d 'Show the time with microseconds'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l json -d 'Show each event as a JSON object on a line of its own, with everything that is known of it'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l all -d 'Show deaths, OOM kills and signals that the kernel sends on its own too'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l noise -d 'With --all, show signal 0, SIGCHLD, SIGURG, and whatever but SIGABRT a process sends to itself'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l no-header -d 'Leave out the line with the names of the columns'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l show-command-lines -d 'Tell the first 128 bytes of the command lines of those who die and those who kill'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -l unconfined -d 'Keep capabilities, files, connections and system calls, all that there are'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand why" -l since -d 'Show only deaths of the last 10s, 5m, 1h 30m or the like' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand why" -l limit -d 'Show so many at most, the most recent ones' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand why" -l socket -d 'Where the exporter is asked: what `serve` has as --control.socket' -r -F
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand why" -l json -d 'Show each death as a JSON object on a line of its own, with everything that is known of it'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand check" -l hook -d 'How to be told of the calls' -r -f -a "auto\t'The first that works'
fexit\t'The end of the kernel\'s functions for the six calls'
kretprobe\t'The return of those functions, by a probe of the kernel'
tracepoint\t'The exit tracepoint of each of the six calls'
raw\t'The exit of every call'
none\t'No hook of calls'"
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand check" -l ring-size -d 'Size of the ring buffer for events, in bytes or with KiB or MiB: a power of two, at least a page' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand check" -l capabilities.keep -d 'Capabilities to keep once it watches: names with commas between, or all, or none' -r
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand check" -l show-command-lines -d 'Tell the first 128 bytes of the command lines of those who die and those who kill'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand check" -l unconfined -d 'Keep capabilities, files, connections and system calls, all that there are'
complete -c killsnoop-exporter -n "__fish_killsnoop_exporter_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
