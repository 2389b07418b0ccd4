"""The shells that can complete words of the command, and the script that teaches each."""

from __future__ import annotations

import enum


class Shell(enum.StrEnum):
    """Those for which there is a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


SCRIPTS = {
    Shell.BASH: r"""
_c8s() {
    local IFS=$'\n' line word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    while read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(_C8S_COMPLETE=bash c8s "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null)
}
complete -o bashdefault -o default -F _c8s c8s
""".strip(),
    Shell.ZSH: r"""
#compdef c8s
_c8s() {
    local line
    local -a given found
    given=("${(@)words[2,CURRENT-1]}" "${words[CURRENT]}")
    for line in "${(@f)$(_C8S_COMPLETE=zsh c8s "${given[@]}" 2>/dev/null)}"; do
        [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#found )); then
        _describe c8s found
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _c8s "$@"
else
    compdef _c8s c8s
fi
""".strip(),
    Shell.FISH: r"""
function __c8s_look
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    set -g __c8s_found (_C8S_COMPLETE=fish c8s $words 2>/dev/null)
    test -n "$__c8s_found"
end
complete --command c8s --no-files --condition __c8s_look --arguments '$__c8s_found'
""".strip(),
}
