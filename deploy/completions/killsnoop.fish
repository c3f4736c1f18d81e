complete -c killsnoop -s p -l pid -d 'Show only calls by this process: its pid in the initial pid namespace, 1 or above' -r
complete -c killsnoop -s T -l tpid -d 'Show only calls with this target, as the caller wrote it' -r
complete -c killsnoop -s s -l signal -d 'Show only these signals: numbers from 0 to 64 or names, with commas between' -r
complete -c killsnoop -l exclude -d 'Do not show these signals: numbers from 0 to 64 or names, with commas between' -r
complete -c killsnoop -l comm -d 'Show only calls by processes of this name, in which * stands for anything' -r
complete -c killsnoop -l uid -d 'Show only calls by this user: a number or a name' -r
complete -c killsnoop -l cgroup -d 'Show only calls by processes in this cgroup or below it, such as /system.slice' -r
complete -c killsnoop -l container -d 'Show only calls by processes in this container: its name, or the first digits of its id, 4 or more' -r
complete -c killsnoop -l pod -d 'Show only calls by processes in this Kubernetes pod: its name, or namespace/name, or its uid' -r
complete -c killsnoop -l color -d 'Colour lines of deaths, OOM kills and calls that failed [default: auto, and never as killsnoop]' -r -f -a "auto\t'If they go to a terminal, and NO_COLOR is not set'
always\t'Wherever they go'
never\t'Nowhere'"
complete -c killsnoop -l syscalls -d 'Show other calls that send signals too, and which call it was' -r
complete -c killsnoop -l hook -d 'How to be told of the calls' -r -f -a "auto\t'The first that works'
fexit\t'The end of the kernel\'s functions for the six calls'
kretprobe\t'The return of those functions, by a probe of the kernel'
tracepoint\t'The exit tracepoint of each of the six calls'
raw\t'The exit of every call'
none\t'No hook of calls'"
complete -c killsnoop -l ring-size -d 'Size of the ring buffer for events, in bytes or with KiB or MiB: a power of two, at least a page' -r
complete -c killsnoop -l capabilities.keep -d 'Capabilities to keep once it watches: names with commas between, or all, or none' -r
complete -c killsnoop -l log.level -d 'Write messages of this level and above to standard error [default: info, and warn where events are printed]' -r -f -a "error\t'Data is being lost, or someone must act'
warn\t'Something went wrong and was recovered'
info\t'Start, stop, change'
debug\t'What a developer wants to know'"
complete -c killsnoop -l log.format -d 'How a message is written' -r -f -a "text\t'A line for people, with colours on a terminal'
json\t'One JSON object a line'"
complete -c killsnoop -s x -l failed -d 'Show only calls that failed'
complete -c killsnoop -s n -l names -d 'Show signals by name: SIGKILL, SIGRTMIN+1'
complete -c killsnoop -l timestamp -d 'Show the time with microseconds'
complete -c killsnoop -l json -d 'Show each event as a JSON object on a line of its own, with everything that is known of it'
complete -c killsnoop -l show-command-lines -d 'Tell the first 128 bytes of the command lines of those who die and those who kill'
complete -c killsnoop -l unconfined -d 'Keep capabilities, files, connections and system calls, all that there are'
complete -c killsnoop -s h -l help -d 'Print help (see more with \'--help\')'
complete -c killsnoop -s V -l version -d 'Print version'
