/**
 * Runs a server and a guard beside it, from a shell: `sh -c GUARDED <name> <server> <arguments…>`, with a pipe as its file 3.
 *
 * The guard reads a pipe that only our process can write to: when we die, even by SIGKILL, the kernel closes the pipe and
 * the guard asks the server for a fast shutdown. `read` is built into the shell, so the guard is one process, and the shell
 * ends it when the server ends by itself. What Node calls a pipe goes both ways: the server's process id comes back through it.
 */
export const GUARDED = `
"$@" 3<&- & server=$!
echo $server >&3
{ read -r _ <&3; kill -INT $server; } >/dev/null 2>&1 & guard=$!
exec 3<&-
wait $server; status=$?
kill $guard 2>/dev/null
exit $status
`;
