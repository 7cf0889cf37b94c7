import { Problem } from "../api/client";
import { otherFaults } from "./problems";
import "./fields.css";

/** Why a form was not taken: the code, and what no field of it shows. */
export function FormFailure({
  error,
  shown = [],
}: {
  error: Error | null;
  shown?: readonly string[];
}) {
  if (!error) return null;
  const others = otherFaults(error, shown);
  return (
    <div className="form-failure" role="alert">
      <p>
        {error.message} {error instanceof Problem && <code>{error.code}</code>}
      </p>
      {others.length > 0 && (
        <ul>
          {others.map(({ pointer, message }) => (
            <li key={pointer + message}>
              {pointer && <code>{pointer}</code>} {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
