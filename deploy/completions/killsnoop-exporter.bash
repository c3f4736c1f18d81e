_killsnoop__exporter() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="killsnoop__exporter"
                ;;
            killsnoop__exporter,check)
                cmd="killsnoop__exporter__subcmd__check"
                ;;
            killsnoop__exporter,serve)
                cmd="killsnoop__exporter__subcmd__serve"
                ;;
            killsnoop__exporter,trace)
                cmd="killsnoop__exporter__subcmd__trace"
                ;;
            killsnoop__exporter,why)
                cmd="killsnoop__exporter__subcmd__why"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        killsnoop__exporter)
            opts="-h -V --web.listen-address --web.telemetry-path --web.max-connections --web.show-events --otlp.endpoint --otlp.protocol --otlp.headers --otlp.timeout --otlp.compression --otlp.certificate --otlp.client-certificate --otlp.client-key --otlp.insecure --otlp.queue-size --otlp.batch-size --otlp.flush-interval --otlp.retry-max --otlp.metrics --otlp.metrics-interval --events.class --events.signal --events.exclude --events.noise --events.failed --events.pid --events.tpid --events.comm --events.uid --events.cgroup --events.container --events.pod --metrics.no-exemplars --metrics.container-deaths --metrics.container-deaths-max --control.socket --control.deaths --hook --ring-size --show-command-lines --capabilities.keep --unconfined --log.level --log.format --help --version serve trace why check"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --web.listen-address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --web.telemetry-path)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --web.max-connections)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.endpoint)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.protocol)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.headers)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.compression)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.certificate)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.client-certificate)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.client-key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.queue-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.batch-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.flush-interval)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.retry-max)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.metrics-interval)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.class)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.signal)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.exclude)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.pid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.tpid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.comm)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.uid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.cgroup)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.container)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.pod)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --metrics.container-deaths-max)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --control.socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --control.deaths)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --hook)
                    COMPREPLY=($(compgen -W "auto fexit kretprobe tracepoint raw none" -- "${cur}"))
                    return 0
                    ;;
                --ring-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --capabilities.keep)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log.level)
                    COMPREPLY=($(compgen -W "error warn info debug" -- "${cur}"))
                    return 0
                    ;;
                --log.format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        killsnoop__subcmd__exporter__subcmd__check)
            opts="-h --hook --ring-size --show-command-lines --capabilities.keep --unconfined --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --hook)
                    COMPREPLY=($(compgen -W "auto fexit kretprobe tracepoint raw none" -- "${cur}"))
                    return 0
                    ;;
                --ring-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --capabilities.keep)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        killsnoop__subcmd__exporter__subcmd__serve)
            opts="-h --web.listen-address --web.telemetry-path --web.max-connections --web.show-events --otlp.endpoint --otlp.protocol --otlp.headers --otlp.timeout --otlp.compression --otlp.certificate --otlp.client-certificate --otlp.client-key --otlp.insecure --otlp.queue-size --otlp.batch-size --otlp.flush-interval --otlp.retry-max --otlp.metrics --otlp.metrics-interval --events.class --events.signal --events.exclude --events.noise --events.failed --events.pid --events.tpid --events.comm --events.uid --events.cgroup --events.container --events.pod --metrics.no-exemplars --metrics.container-deaths --metrics.container-deaths-max --control.socket --control.deaths --hook --ring-size --show-command-lines --capabilities.keep --unconfined --log.level --log.format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --web.listen-address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --web.telemetry-path)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --web.max-connections)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.endpoint)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.protocol)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.headers)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.compression)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.certificate)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.client-certificate)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.client-key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.queue-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.batch-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.flush-interval)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.retry-max)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --otlp.metrics-interval)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.class)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.signal)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.exclude)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.pid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.tpid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.comm)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.uid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.cgroup)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.container)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --events.pod)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --metrics.container-deaths-max)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --control.socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --control.deaths)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --hook)
                    COMPREPLY=($(compgen -W "auto fexit kretprobe tracepoint raw none" -- "${cur}"))
                    return 0
                    ;;
                --ring-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --capabilities.keep)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log.level)
                    COMPREPLY=($(compgen -W "error warn info debug" -- "${cur}"))
                    return 0
                    ;;
                --log.format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        killsnoop__subcmd__exporter__subcmd__trace)
            opts="-x -p -T -s -n -h --failed --pid --tpid --signal --exclude --comm --uid --cgroup --container --pod --names --timestamp --json --color --syscalls --all --noise --no-header --count --duration --hook --ring-size --show-command-lines --capabilities.keep --unconfined --log.level --log.format --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --pid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -p)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --tpid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -T)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --signal)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -s)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --exclude)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --comm)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --uid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cgroup)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --container)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --pod)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --syscalls)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --count)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --duration)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --hook)
                    COMPREPLY=($(compgen -W "auto fexit kretprobe tracepoint raw none" -- "${cur}"))
                    return 0
                    ;;
                --ring-size)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --capabilities.keep)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log.level)
                    COMPREPLY=($(compgen -W "error warn info debug" -- "${cur}"))
                    return 0
                    ;;
                --log.format)
                    COMPREPLY=($(compgen -W "text json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        killsnoop__subcmd__exporter__subcmd__why)
            opts="-h --since --limit --json --socket --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --since)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limit)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _killsnoop__exporter -o nosort -o bashdefault -o default killsnoop-exporter
else
    complete -F _killsnoop__exporter -o bashdefault -o default killsnoop-exporter
fi
