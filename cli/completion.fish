# fish completion for taskmaster. The words come from the binary itself, and the
# names of programs from the daemon that runs.
function __taskmaster_complete
    set -l command (commandline -opc)[1]
    for choice in ($command __complete (commandline -cp | string collect) 2>/dev/null)
        if test "$choice" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $choice
        end
    end
end
complete -c taskmaster -f -a '(__taskmaster_complete)'
