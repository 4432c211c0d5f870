/* SPDX-License-Identifier: Apache-2.0 */
/* systemd.socket(5) as properties. */
#include "wire/bus/marshal.h"

#include "engine/socket.h"

static GETTER(socket_n_accepted) {
    out_u32(out, SOCKET(object->unit)->n_accepted);
}

static GETTER(socket_n_connections) {
    out_u32(out, SOCKET(object->unit)->n_connections);
}

static GETTER(socket_n_refused) {
    out_u32(out, SOCKET(object->unit)->n_refused);
}

static GETTER(socket_fd_name) {
    const char *name = unit_string(object->unit->file, D_FileDescriptorName);
    out_string(out, name && *name ? name : object->unit->id);
}

const struct property socket_properties[] = {
    S("BindIPv6Only", "s", setting_enum, BindIPv6Only),
    S("Backlog", "u", setting_u32, Backlog),
    S("TimeoutUSec", "t", setting_u64, SocketTimeoutSec),
    S("BindToDevice", "s", setting_string, BindToDevice),
    S("SocketUser", "s", setting_string, SocketUser),
    S("SocketGroup", "s", setting_string, SocketGroup),
    S("SocketMode", "u", setting_u32, SocketMode),
    S("DirectoryMode", "u", setting_u32, DirectoryMode),
    S("Accept", "b", setting_bool, Accept),
    S("FlushPending", "b", setting_bool, FlushPending),
    S("Writable", "b", setting_bool, Writable),
    S("KeepAlive", "b", setting_bool, KeepAlive),
    S("KeepAliveTimeUSec", "t", setting_u64, KeepAliveTimeSec),
    S("KeepAliveIntervalUSec", "t", setting_u64, KeepAliveIntervalSec),
    S("KeepAliveProbes", "u", setting_u32, KeepAliveProbes),
    S("DeferAcceptUSec", "t", setting_u64, DeferAcceptSec),
    S("NoDelay", "b", setting_bool, NoDelay),
    S("Priority", "i", setting_i32, SocketPriority),
    S("ReceiveBuffer", "t", setting_u64, ReceiveBuffer),
    S("SendBuffer", "t", setting_u64, SendBuffer),
    S("IPTOS", "i", setting_i32, IPTOS),
    S("IPTTL", "i", setting_i32, IPTTL),
    S("PipeSize", "t", setting_u64, PipeSize),
    S("FreeBind", "b", setting_bool, FreeBind),
    S("Transparent", "b", setting_bool, Transparent),
    S("Broadcast", "b", setting_bool, Broadcast),
    S("PassCredentials", "b", setting_bool, PassCredentials),
    S("PassFileDescriptorsToExec", "b", setting_bool, PassFileDescriptorsToExec),
    S("PassSecurity", "b", setting_bool, PassSecurity),
    S("PassPacketInfo", "b", setting_bool, PassPacketInfo),
    S("Timestamping", "s", setting_enum, Timestamping),
    S("RemoveOnStop", "b", setting_bool, RemoveOnStop),
    S("Listen", "a(ss)", setting_listen, Listen),
    S("Symlinks", "as", setting_strv, Symlinks),
    S("Mark", "i", setting_i32, Mark),
    S("MaxConnections", "u", setting_u32, MaxConnections),
    S("MaxConnectionsPerSource", "u", setting_u32, MaxConnectionsPerSource),
    S("MessageQueueMaxMessages", "x", setting_i64, MessageQueueMaxMessages),
    S("MessageQueueMessageSize", "x", setting_i64, MessageQueueMessageSize),
    S("TCPCongestion", "s", setting_string, TCPCongestion),
    S("ReusePort", "b", setting_bool, ReusePort),
    S("SmackLabel", "s", setting_string, SmackLabel),
    S("SmackLabelIPIn", "s", setting_string, SmackLabelIPIn),
    S("SmackLabelIPOut", "s", setting_string, SmackLabelIPOut),
    G("ControlPID", "u", CHANGE, get_control_pid),
    G("Result", "s", CHANGE, get_result),
    G("NConnections", "u", FALSE, socket_n_connections),
    G("NAccepted", "u", FALSE, socket_n_accepted),
    G("NRefused", "u", FALSE, socket_n_refused),
    G("FileDescriptorName", "s", CONST, socket_fd_name),
    S("SocketProtocol", "i", setting_i32, SocketProtocol),
    S("TriggerLimitIntervalUSec", "t", setting_u64, TriggerLimitIntervalSec),
    G("TriggerLimitBurst", "u", CONST, get_trigger_burst),
    S("PollLimitIntervalUSec", "t", setting_u64, PollLimitIntervalSec),
    S("PollLimitBurst", "u", setting_u32, PollLimitBurst),
    G("UID", "u", CHANGE, get_uid),
    G("GID", "u", CHANGE, get_gid),
    S("ExecStartPre", "a(sasbttttuii)", setting_exec, ExecStartPre),
    S("ExecStartPost", "a(sasbttttuii)", setting_exec, ExecStartPost),
    S("ExecStopPre", "a(sasbttttuii)", setting_exec, ExecStopPre),
    S("ExecStopPost", "a(sasbttttuii)", setting_exec, ExecStopPost),
    {},
};
